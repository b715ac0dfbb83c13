import EventLog
import Simulation
import StateStore

@testable import Streams

/// Compares a world with a naive fold of its input.
struct Checker {
  let world: World

  typealias State = [[UInt8]: [UInt8]]

  /// What must hold at any moment when no process runs.
  func checkStopped() throws {
    for partition in 0..<world.partitions {
      try checkStore(partition)
    }
    if world.guarantee == .exactlyOnce {
      try checkOutputsExact { partition in
        world.log.committedOffsets(of: "app-count")[world.input(partition)] ?? 0
      }
    }
  }

  /// What must hold once all input has been processed.
  func checkDrained() throws {
    try checkStopped()
    let committed = world.log.committedOffsets(of: "app-count")
    for partition in 0..<world.partitions {
      let input = world.input(partition)
      guard let last = try world.log.records(of: input).last else { continue }
      let position = try position(partition)
      // It may have passed the marker behind the last record.
      let end = try world.log.offsets(of: input).upperBound
      guard (last.offset + 1...end).contains(position) else {
        throw Violation("\(input) is processed up to \(position), not \(last.offset + 1)")
      }
      guard committed[input] == position else {
        throw Violation(
          "the group stands at \(committed[input] ?? -1) in \(input), not \(position)")
      }
      try checkChangelog(partition, below: .max)
    }
    switch world.guarantee {
    case .exactlyOnce: try checkOutputsExact { _ in .max }
    case .atLeastOnce: try checkOutputsComplete()
    }
  }

  // MARK: State

  func position(_ partition: Int32) throws -> Int64 {
    let meta = world.storage.contents(of: .meta, stage: World.stage, partition: partition)
    guard let encoded = meta[Position.key] else { return 0 }
    return try Position(decoding: encoded.span.bytes).inputOffset
  }

  private func stored(_ partition: Int32) -> State {
    world.storage.contents(of: .tallies, stage: World.stage, partition: partition)
  }

  private func checkStore(_ partition: Int32) throws {
    let changelog = world.changelog(partition)
    let offset = world.storage.changelogOffset(stage: World.stage, partition: partition)
    guard let offset else { return }
    let end = try world.log.offsets(of: changelog).upperBound
    guard offset <= end else {
      throw Violation("the store is at \(offset) of \(changelog), which ends at \(end)")
    }
    let position = try position(partition)
    guard stored(partition) == (try fold(partition, below: position)) else {
      throw Violation("the store of \(partition) is not the fold of the input below \(position)")
    }
    if !world.isCompacted { try checkChangelog(partition, below: offset) }
  }

  /// The state must follow from the changelog alone.
  private func checkChangelog(_ partition: Int32, below offset: Int64) throws {
    var state: State = [:]
    for record in try world.log.records(of: world.changelog(partition)) {
      guard record.offset < offset, let key = record.key, key.first == Table.tallies.rawValue else {
        continue
      }
      state[Array(key.dropFirst())] = record.value
    }
    guard state == stored(partition) else {
      throw Violation("the store of \(partition) is not what its changelog says")
    }
  }

  func fold(_ partition: Int32, below offset: Int64) throws -> State {
    var tallies: [[UInt8]: Tally] = [:]
    for record in try world.log.records(of: world.input(partition)) where record.offset < offset {
      guard let key = record.key else { continue }
      tallies[key] = Tally.next(tallies[key], record.value)
    }
    return tallies.mapValues(\.encoded)
  }

  // MARK: Outputs

  /// By key, what one pass over the input sends.
  private func expectedOutputs(below end: (Int32) -> Int64) throws -> [[UInt8]: [String]] {
    var outputs: [[UInt8]: [String]] = [:]
    for partition in 0..<world.partitions {
      var tallies: [[UInt8]: Tally] = [:]
      for record in try world.log.records(of: world.input(partition)) {
        guard record.offset < end(partition), let key = record.key else { continue }
        tallies[key] = Tally.next(tallies[key], record.value)
        outputs[key, default: []].append(Tally.output(record.offset, tallies[key]))
      }
    }
    return outputs
  }

  func outputs() throws -> [[UInt8]: [String]] {
    var outputs: [[UInt8]: [String]] = [:]
    for partition in 0..<Int32(2) {
      for record in try world.log.records(of: TopicPartition(World.output, partition)) {
        let text = String(decoding: record.value ?? [], as: UTF8.self)
        outputs[record.key ?? [], default: []].append(text)
      }
    }
    return outputs
  }

  private func checkOutputsExact(below end: (Int32) -> Int64) throws {
    let expected = try expectedOutputs(below: end)
    let found = try outputs()
    guard found == expected else {
      let count = found.values.reduce(0) { $0 + $1.count }
      let expectedCount = expected.values.reduce(0) { $0 + $1.count }
      throw Violation("the \(count) outputs are not the \(expectedCount) of the committed input")
    }
  }

  /// Outputs may repeat, but each is right, none is missing, and they begin in order.
  private func checkOutputsComplete() throws {
    let found = try outputs()
    for (key, expected) in try expectedOutputs(below: { _ in .max }) {
      var seen: Set<String> = []
      let firsts = (found[key] ?? []).filter { seen.insert($0).inserted }
      guard firsts == expected else {
        throw Violation("outputs of a key are missing, wrong or out of order")
      }
    }
  }
}

import EventLog
import StateStore
import Streams

/// Folds the facts of the log, and compares them at once with the naive fold of the input.
struct CountingChecker {
  private struct Partition {
    var model = CountingModel()
    /// The group's offset; `nil` before its first commit.
    var committed: Int64?
    /// The changelog's fold, and its last position.
    var changelog: CountingModel.State = [:]
    var position: Int64 = 0
    /// The outputs seen, in the order of their first occurrence.
    var outputs: [CountingModel.Output] = []
    var seen: Set<CountingModel.Output> = []
  }

  private let guarantee: ProcessingGuarantee
  private var partitions: [Partition]

  init(_ guarantee: ProcessingGuarantee, partitions: Int32) {
    self.guarantee = guarantee
    self.partitions = Array(repeating: Partition(), count: Int(partitions))
  }

  /// The last position in a partition's changelog.
  func position(_ partition: Int32) -> Int64 { partitions[Int(partition)].position }

  /// Describes the input that is not processed, as far as the log shows; `nil` if all of it is.
  func remaining() -> String? {
    for (number, partition) in partitions.enumerated() {
      let end = partition.model.end
      let committed = partition.committed ?? 0
      // Both may have passed markers behind the last record. Without transactions the store may be
      // ahead of the changelog's last position.
      let isKnown = guarantee == .atLeastOnce || partition.position >= end
      guard committed >= end, isKnown else {
        return "input \(number) ends at \(end), the group is at \(committed), the changelog at"
          + " \(partition.position)"
      }
    }
    return nil
  }

  // MARK: Facts

  mutating func check(_ fact: LogFact) throws(Violation) {
    switch fact {
    case .record(let placed):
      try take(placed)
    case .transaction(_, let records, let offsets):
      guard let offsets, offsets.group == CountingScenario.group else {
        for placed in records { try take(placed) }
        return
      }
      try take(records, offsets)
    case .offsets(let offsets):
      guard offsets.group == CountingScenario.group, offsets.stamp != nil else { return }
      try take(offsets)
    }
  }

  /// A batch of one transaction: exactly the outputs of the input between two committed offsets.
  private mutating func take(_ records: [PlacedRecord], _ offsets: CommittedOffsets)
    throws(Violation)
  {
    var outputs: [Int: [CountingModel.Output]] = [:]
    for placed in records {
      if placed.place.topic == CountingScenario.output {
        let (partition, output) = try parse(placed)
        outputs[partition, default: []].append(output)
      } else {
        try take(placed)
      }
    }
    for (source, end) in offsets.offsets {
      let number = Int(source.partition)
      let start = partitions[number].committed ?? 0
      guard start <= end else {
        throw Violation("a transaction moves \(source) back from \(start) to \(end)")
      }
      // Records of different output partitions arrive in any order.
      let expected = partitions[number].model.outputs(start..<end)
      let found = outputs.removeValue(forKey: number) ?? []
      guard Set(found) == Set(expected), found.count == expected.count else {
        throw Violation(
          "a transaction moves \(source) from \(start) to \(end), and its \(found.count) outputs"
            + " are not the \(expected.count) of that input")
      }
      partitions[number].committed = end
      // A transaction that gives a changelog its identity moves nothing.
      guard partitions[number].position == end || start == end else {
        throw Violation(
          "a transaction moves \(source) to \(end), and its changelog to"
            + " \(partitions[number].position)")
      }
      for output in found { note(output, number) }
    }
    guard outputs.isEmpty else {
      throw Violation("a transaction has outputs of partitions whose offsets it does not move")
    }
  }

  private mutating func take(_ offsets: CommittedOffsets) throws(Violation) {
    for (source, offset) in offsets.offsets {
      let number = Int(source.partition)
      if guarantee == .exactlyOnce {
        let committed = partitions[number].committed ?? 0
        guard offset == committed else {
          throw Violation(
            "offset \(offset) of \(source) is committed outside a transaction, at \(committed)")
        }
      }
      partitions[number].committed = offset
    }
  }

  private mutating func take(_ placed: PlacedRecord) throws(Violation) {
    let number = Int(placed.place.partition)
    switch placed.place.topic {
    case CountingScenario.input:
      partitions[number].model.add(placed.record)
    case CountingScenario.changelog:
      try takeChange(placed.record, number)
    default:
      let (partition, output) = try parse(placed)
      note(output, partition)
    }
  }

  private mutating func note(_ output: CountingModel.Output, _ number: Int) {
    if partitions[number].seen.insert(output).inserted { partitions[number].outputs.append(output) }
  }

  /// Each output must be that of its input record, no matter who sends it and how often.
  private func parse(_ placed: PlacedRecord) throws(Violation)
    -> (partition: Int, output: CountingModel.Output)
  {
    let text = String(decoding: placed.record.value ?? [], as: UTF8.self)
    let key = placed.record.key ?? []
    let name = String(decoding: key, as: UTF8.self)
    guard let number = name.split(separator: "-").first.flatMap({ Int($0) }),
      partitions.indices.contains(number),
      let offset = text.split(separator: ":").first.flatMap({ Int64($0) })
    else { throw Violation("an output is not the stage's: \(name) \(text)") }
    let output = CountingModel.Output(key: key, text: text)
    guard partitions[number].model.outputs(offset..<offset + 1) == [output] else {
      throw Violation("the output \(text) of \(name) does not follow from the input")
    }
    return (number, output)
  }

  /// At each position the changelog's fold must equal the input's.
  private mutating func takeChange(_ record: MemoryRecord, _ number: Int) throws(Violation) {
    guard let key = record.key, let table = key.first else {
      throw Violation("a record of the changelog has no key")
    }
    if key.dropFirst().elementsEqual("identity".utf8) { return }
    guard table == Table.meta.rawValue else {
      partitions[number].changelog[Array(key.dropFirst())] = record.value
      return
    }
    let position = try Self.position(record.value)
    guard position >= partitions[number].position else {
      throw Violation(
        "the changelog of \(number) goes back from \(partitions[number].position) to \(position)")
    }
    partitions[number].position = position
    guard partitions[number].changelog == partitions[number].model.state(below: position) else {
      throw Violation("the changelog of \(number) is not the fold of the input below \(position)")
    }
  }

  private static func position(_ value: [UInt8]?) throws(Violation) -> Int64 {
    guard let value else { return 0 }
    do throws(StageError) { return try Position(decoding: value.span.bytes).inputOffset } catch {
      throw Violation("a position can't be read: \(error)")
    }
  }

  // MARK: Stores

  /// - Parameter isRestored: whether the store must be at the changelog's last position.
  func check(
    _ place: StorePlace, in storage: MemoryStorage, changelogEnd: Int64, isRestored: Bool = false
  ) throws(Violation) {
    let (stage, partition) = (place.stage, place.partition)
    guard !storage.isUnfinished(stage: stage, partition: partition) else {
      guard !isRestored else { throw Violation("the store \(place) is unfinished") }
      return
    }
    guard let offset = storage.changelogOffset(stage: stage, partition: partition) else {
      guard !isRestored || position(partition) == 0 else {
        throw Violation("the store \(place) was not restored")
      }
      return
    }
    guard offset <= changelogEnd else {
      throw Violation("the store \(place) is at \(offset), its changelog ends at \(changelogEnd)")
    }
    let meta = storage.contents(of: .meta, stage: stage, partition: partition)
    let position = try Self.position(meta[Position.key])
    let known = self.position(partition)
    if guarantee == .exactlyOnce, position > known {
      throw Violation(
        "the store \(place) is at input \(position), ahead of its changelog, at \(known)")
    }
    if isRestored, position != known {
      throw Violation("the store \(place) was restored to \(position), not to \(known)")
    }
    let state = storage.contents(of: .tallies, stage: stage, partition: partition)
    guard state == partitions[Int(partition)].model.state(below: position) else {
      throw Violation("the store \(place) is not the fold of the input below \(position)")
    }
  }

  // MARK: The end

  func checkDrained() throws(Violation) {
    if let remaining = remaining() { throw Violation(remaining) }
    for (number, partition) in partitions.enumerated() {
      try checkOutputs(partition, number)
    }
  }

  /// None may be missing, and those of a key must first occur in order.
  private func checkOutputs(_ partition: Partition, _ number: Int) throws(Violation) {
    let expected = Dictionary(
      grouping: partition.model.outputs(0..<partition.model.end), by: \.key)
    let found = Dictionary(grouping: partition.outputs, by: \.key)
    guard found == expected else {
      throw Violation("outputs of input \(number) are missing or out of order")
    }
  }
}

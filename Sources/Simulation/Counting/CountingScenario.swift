import EventLog
import StateStore
public import Streams

/// The engine alone: one stage that counts, on a transactional and a plain producer's input.
// Only who has the scheduler's baton touches it.
public final class CountingScenario: Scenario, @unchecked Sendable {
  public static let topology = Topology([.count], application: "app")
  public static let stage = StageDeclaration.count.name
  public static let group = topology.group(of: .count)
  public static let input = topology[.events]
  public static let output = topology[.tallies]
  public static let changelog = StageDeclaration.count.changelog.map { topology[$0] } ?? ""

  public var stages: [String] { simulated.stages }
  public var groups: [String] { simulated.groups }
  public var stores: [StorePlace] { simulated.stores }
  private let log: MemoryLog
  private let guarantee: ProcessingGuarantee
  private let partitions: Int32
  private let simulated: SimulatedTopology
  private var checker: CountingChecker
  /// Whether there is another changelog than the one that was written.
  private var isReplaced = false

  public init(_ world: SeededRun<CountingScenario>.World, _ random: inout SeededGenerator) {
    log = world.log
    guarantee = world.guarantee
    partitions = Int32.random(in: 1...3, using: &random)
    let limits = BatchLimits(
      records: Int.random(in: 1...20, using: &random), busyRecords: random.oneIn(3) ? 0 : 1_000,
      linger: .milliseconds(random.oneIn(2) ? 0 : Int.random(in: 1...200, using: &random)))
    let partitions = self.partitions
    simulated = SimulatedTopology(
      Self.topology, in: log, guarantee: guarantee, limits: limits,
      partitions: { topic in
        if case .fixed(let count) = topic.partitions { Int32(count) } else { partitions }
      },
      programs: { _ in [StageProgram(.count) { _ in CountingOperator() }] })
    checker = CountingChecker(guarantee, partitions: partitions)
  }

  /// Runs a seed.
  public static func run(seed: UInt64, _ options: SimulationOptions) -> SeedReport {
    SeededRun(seed: seed, name: "engine", options: options) { CountingScenario($0, &$1) }.run()
  }

  public func run(_ stage: String, on instance: InstanceContext) throws(StageError) {
    try simulated.run(stage, on: instance)
  }

  private func input(_ partition: Int32) -> TopicPartition { TopicPartition(Self.input, partition) }

  private func changelog(_ partition: Int32) -> TopicPartition {
    TopicPartition(Self.changelog, partition)
  }

  // MARK: Input

  public func feed(_ random: inout SeededGenerator) throws {
    for _ in 0..<Int.random(in: 0...25, using: &random) {
      let partition = Int32.random(in: 0..<partitions, using: &random)
      // Keys include their partition, so that each key's events have one order.
      let key = Array("\(partition)-\(Int.random(in: 0..<6, using: &random))".utf8)
      switch Int.random(in: 0..<12, using: &random) {
      case 0: try log.append(to: input(partition), key: key, value: Array("reset".utf8))
      case 1: try log.append(to: input(partition), key: nil, value: nil)
      case 2: try feedTransaction(key, partition, &random)
      default:
        let value = Array("\(Int.random(in: -9...9, using: &random))".utf8)
        try log.append(to: input(partition), key: key, value: value)
      }
    }
  }

  /// Upstream is transactional too, so aborts and markers leave gaps in the input.
  private func feedTransaction(
    _ key: [UInt8], _ partition: Int32, _ random: inout SeededGenerator
  ) throws {
    let upstream = try log.makeProducer(
      ProducerConfiguration(
        topics: [Self.input], delivery: .transactional(id: "upstream"), clientID: "upstream"))
    try upstream.beginTransaction()
    for value in 0..<Int.random(in: 1...3, using: &random) {
      let value = Array("\(value)".utf8)
      try upstream.send(
        topic: 0, partition: partition, key: key.span.bytes, value: value.span.bytes, headers: [],
        timestamp: nil, tracked: false)
    }
    if random.oneIn(2) {
      try upstream.commitTransaction()
    } else {
      try upstream.abortTransaction(timeout: .zero)
    }
  }

  public func clean(_ random: inout SeededGenerator) throws {
    for partition in 0..<partitions {
      if random.oneIn(2) {
        // Without transactions, records beyond the last position are not final. Kafka does not
        // compact the newest segment either.
        try log.compact(
          changelog(partition),
          below: guarantee == .exactlyOnce ? .max : try endOfPositions(partition))
      }
      if random.oneIn(3) {
        try log.truncate(input(partition), before: checker.position(partition))
      }
    }
  }

  /// The offset after the last position in a changelog.
  private func endOfPositions(_ partition: Int32) throws -> Int64 {
    let position = [Table.meta.rawValue] + Position.key
    return try log.records(of: changelog(partition)).last { $0.key == position }
      .map { $0.offset + 1 } ?? 0
  }

  public func deleteUnprocessedInput() throws -> Bool {
    for partition in 0..<partitions {
      let end = try log.offsets(of: input(partition)).upperBound
      guard checker.position(partition) > 0, end > checker.position(partition) else { continue }
      try log.truncate(input(partition), before: end)
      return true
    }
    return false
  }

  public func remakeInput() throws -> Reason.Code? {
    guard (0..<partitions).contains(where: { checker.position($0) > 0 }) else { return nil }
    log.createTopic(Self.input, partitions: Int(partitions))
    return .topicRecreated
  }

  /// The stage counts each event once, so it goes on where its state stands.
  public func foreignOffsets(_ random: inout SeededGenerator) throws -> ForeignOffsets? {
    var offsets: [TopicPartition: Int64] = [:]
    for partition in 0..<partitions {
      let held = try log.offsets(of: input(partition))
      guard checker.position(partition) > 0 else { continue }
      offsets[input(partition)] = Int64.random(
        in: held.lowerBound...held.upperBound, using: &random)
    }
    return offsets.isEmpty
      ? nil : ForeignOffsets(group: Self.group, offsets: offsets, isRefused: false)
  }

  public var borrowed: (group: String, topics: [String]) { (Self.group, [Self.input]) }

  public func restoreOffsets() {}

  public func replaceLog(_ random: inout SeededGenerator) throws -> Reason.Code? {
    guard (0..<partitions).contains(where: { checker.position($0) > 0 }) else { return nil }
    if random.oneIn(2) {
      log.setClusterID("another")
    } else {
      isReplaced = true
      log.createTopic(Self.changelog, partitions: Int(partitions))
    }
    return .storeOfAnotherLog
  }

  public func upsetProjection(_ random: inout SeededGenerator) -> String? { nil }
  public func claimProjection() -> String? { nil }

  // MARK: Checks

  public func remaining() throws -> String? { checker.remaining() }

  public func check(_ fact: LogFact) throws { try checker.check(fact) }

  public func check(_ store: StorePlace, in storage: MemoryStorage) throws {
    guard !isReplaced else { return }
    let end = try log.offsets(of: changelog(store.partition)).upperBound
    try checker.check(store, in: storage, changelogEnd: end)
  }

  public func checkRestored(_ store: StorePlace, in storage: MemoryStorage) throws {
    let end = try log.offsets(of: changelog(store.partition)).upperBound
    try checker.check(store, in: storage, changelogEnd: end, isRestored: true)
  }

  public func checkDrained() throws { try checker.checkDrained() }
}

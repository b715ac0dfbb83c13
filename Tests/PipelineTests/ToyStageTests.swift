import EventLog
import Pipeline
import PipelineSimulation
import Simulation
import StateStore
import Streams
import Synchronization
import Testing

/// A stage more, declared and run here alone: it counts each user's events.
extension StageDeclaration {
  fileprivate static let activity = StageDeclaration(
    "activity", inputs: [.validatedRatings], outputs: [Output(.userActivity)],
    tables: [
      TableDeclaration(
        Table(rawValue: 1), "counts", keys: .text("42"),
        values: TableDeclaration.Values("decimal text"), "user: how many events")
    ])
}

extension TopicDeclaration {
  fileprivate static let userActivity = TopicDeclaration("user-activity", partitions: byUser)
}

private struct UserKey: StateKey {
  var bytes: [UInt8]

  func encode(into bytes: inout [UInt8]) { bytes += self.bytes }
}

extension UserKey {
  init?(decoding bytes: RawSpan) { self.bytes = bytes.withUnsafeBytes { [UInt8]($0) } }
}

private struct EventCount: StoredValue {
  struct NotDecimal: Error {}

  var count = 0

  func encode(into bytes: inout [UInt8]) { bytes += Array("\(count)".utf8) }
}

extension EventCount {
  init(decoding bytes: RawSpan) throws(NotDecimal) {
    let text = bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    guard let count = Int(text) else { throw NotDecimal() }
    self.count = count
  }
}

private struct ActivityPartition: PartitionState {
  var counts: StateTable<UserKey, EventCount?>

  mutating func writeTables() throws(StageError) { try counts.writeChanges() }
}

private struct ActivityOperator: StageOperator {
  typealias Store = MemoryStore
  typealias Producer = MemoryProducer

  private static let activity = StageDeclaration.activity.output(.userActivity)

  func makeState(_ task: Partition) throws(StageError) -> ActivityPartition {
    ActivityPartition(counts: StateTable(Table(rawValue: 1), of: task))
  }

  func process(
    _ records: borrowing RecordRun, _ state: inout ActivityPartition, _ task: Partition
  ) throws(StageError) {
    for index in records.indices {
      let record = records[index]
      guard let key = record.key else { continue }
      let user = UserKey(bytes: key.withUnsafeBytes { [UInt8]($0) })
      let count = try state.counts.update(user) { stored in
        let next = (stored?.count ?? 0) + 1
        stored = EventCount(count: next)
        return next
      }
      let value = Array("\(record.offset):\(count)".utf8)
      try task.send(to: Self.activity, key: key, value: value.span.bytes)
    }
  }
}

@Suite struct ToyStageTests {
  private static let program = PipelineScenario.Program(.activity) { _ in ActivityOperator() }

  @Test func theTopologyHasItsNames() {
    let topology = Topology(application: "films").adding(.activity)
    #expect(topology.group(of: .activity) == "films-activity")
    #expect(topology.changelog(of: .activity) == "films-activity-changelog")
    #expect(topology.upstream(of: .activity) == [.intake])
    #expect(
      topology.text.contains(
        """
          ├▶ validated-ratings
          │    ├▶ user
        """))
    #expect(
      topology.text.contains(
        """
          │    └▶ activity
          │         ├▶ user-activity
          │         └▶ activity-changelog
        """), "\(topology.text)")
  }

  /// With crashes, failed effects and moves between instances, as any stage of the product runs.
  @Test(arguments: ProcessingGuarantee.allCases, UInt64(0)..<5)
  func itKeepsTheEnginesPromises(guarantee: ProcessingGuarantee, seed: UInt64) throws {
    var log: MemoryLog?
    let report = SeededRun<PipelineScenario>(
      seed: seed, name: "toy", options: SimulationOptions(guarantee: guarantee)
    ) { world, random in
      log = world.log
      return PipelineScenario(world, &random, additional: [Self.program])
    }.run()
    #expect(report.violation == nil)
    let topology = Topology(application: "app").adding(.activity)
    let input = try records(topology[.validatedRatings], try #require(log))
    let output = try records(topology[.userActivity], try #require(log)).flatMap(\.self)
    #expect(!output.isEmpty)
    for record in output {
      let user = try #require(record.key)
      let text = String(decoding: try #require(record.value), as: UTF8.self)
      let numbers = text.split(separator: ":").compactMap { Int64($0) }
      // A user's events are in one partition.
      let events = input.flatMap { partition in
        partition.filter { $0.key == user && $0.offset <= numbers[0] }
      }
      #expect(Int64(events.count) == numbers[1], "\(text)")
    }
  }

  private func records(_ topic: String, _ log: MemoryLog) throws -> [[MemoryRecord]] {
    var partitions: [[MemoryRecord]] = []
    while let records = try? log.records(of: TopicPartition(topic, Int32(partitions.count))) {
      partitions.append(records)
    }
    return partitions
  }
}

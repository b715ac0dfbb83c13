import CRdkafka
import EventLog
import Logging
import Testing

@testable import KafkaLog

/// Members of one group, polled in turn.
@Suite struct GroupTests {
  /// Answers one member's rebalances and records them.
  private final class Member {
    let consumer: KafkaConsumer
    var owned: Set<TopicPartition> = []
    var history: [Rebalance] = []
    var offsets: [TopicPartition: [Int64]] = [:]

    init(_ consumer: KafkaConsumer) { self.consumer = consumer }

    func turn(_ positions: inout [TopicPartition: Int64]) throws {
      let result = try consumer.poll(maxRecords: 50, timeout: .milliseconds(20)) { record in
        let partition = TopicPartition("events", record.partition)
        offsets[partition, default: []].append(record.offset)
        positions[partition] = record.offset + 1
        return true
      }
      guard let rebalance = result.rebalance else { return }
      history.append(rebalance)
      switch rebalance {
      case .assigned(let partitions):
        owned.formUnion(partitions)
        try consumer.assign(partitions.map { ($0, .at(positions[$0] ?? 0)) })
      case .revoked(let partitions), .lost(let partitions):
        owned.subtract(partitions)
        try consumer.unassign(partitions)
      }
    }
  }

  @Test(arguments: ["cooperative-sticky", "range"])
  func partitionsMoveAndNothingIsLost(_ strategy: String) throws {
    let cluster = try Cluster(
      ["events": 4],
      properties: [
        "partition.assignment.strategy": strategy, "heartbeat.interval.ms": "100",
        "session.timeout.ms": "3000",
      ])
    let producer = try cluster.producer(["events"])
    var sent: Int64 = 0
    func produce() throws {
      for _ in 0..<100 {
        for partition in 0..<4 as Range<Int32> {
          try producer.send("\(sent)", partition: partition)
        }
        sent += 1
      }
      try producer.flush(timeout: patience)
    }
    var positions: [TopicPartition: Int64] = [:]
    let all = Set((0..<4).map { TopicPartition("events", $0) })
    func run(_ members: [Member], until done: () -> Bool) throws {
      let deadline = ContinuousClock.now + patience
      while !done(), ContinuousClock.now < deadline {
        for member in members { try member.turn(&positions) }
        if sent < 3000 { try produce() }
      }
      #expect(done())
    }

    let first = Member(try cluster.member("events", group: "movers", clientID: "first"))
    try run([first]) { first.owned == all }
    #expect(first.history.first == .assigned(all.sorted { $0.partition < $1.partition }))

    let second = Member(try cluster.member("events", group: "movers", clientID: "second"))
    try run([first, second]) { first.owned.count == 2 && second.owned.count == 2 }
    #expect(first.owned.union(second.owned) == all)
    #expect(
      first.history.contains { if case .revoked = $0 { true } else { false } })

    first.consumer.close()
    try run([second]) { second.owned == all }
    try run([second]) { all.allSatisfy { positions[$0] == sent } }
    for partition in all {
      let read = (first.offsets[partition] ?? []) + (second.offsets[partition] ?? [])
      #expect(read.count == Int(sent))
      #expect(read.enumerated().allSatisfy { $1 == Int64($0) })
    }
  }

  @Test func closingWithAnUnansweredRebalanceDoesNotHang() throws {
    let cluster = try Cluster(["events": 2])
    let member = try cluster.member("events", group: "hanging")
    var records: [Copied] = []
    try poll(member, into: &records) { _, result in result.rebalance != nil }
    let start = ContinuousClock.now
    member.close()
    #expect(ContinuousClock.now - start < .seconds(9))
  }

  /// librdkafka would abort the process.
  @Test func closingBetweenJoiningAndTheFirstAssignmentIsHarmless() throws {
    let cluster = try Cluster(["events": 1])
    refuseAssignments(cluster.broker, times: 1_000)
    let member = try cluster.member("events", group: "refused")
    let deadline = ContinuousClock.now + patience
    while !hasJoined(member), ContinuousClock.now < deadline {
      let result = try member.poll(maxRecords: 1, timeout: .milliseconds(20)) { _ in true }
      #expect(result.rebalance == nil)
    }
    #expect(hasJoined(member))
    member.close(leaving: false)
  }

  /// A client closed while it waits for the topic would have to be left undestroyed.
  @Test func aMemberWaitsForATopicThatIsMissing() throws {
    let cluster = try Cluster(["events": 1])
    setKnown(false, "events", cluster.broker)
    let recorder = LogRecorder()
    let member = try KafkaLog(settings: cluster.log.settings, logger: recorder.logger).makeConsumer(
      ConsumerConfiguration(topics: ["events"], group: "patient", clientID: "member"))
    func warnings() -> [String] {
      recorder.all.filter { $0.level == .warning && $0.text.contains("events") }.map(\.text)
    }
    let deadline = ContinuousClock.now + patience
    while warnings().isEmpty, ContinuousClock.now < deadline {
      _ = try member.poll(maxRecords: 1, timeout: .milliseconds(20)) { _ in true }
    }
    setKnown(true, "events", cluster.broker)
    var records: [Copied] = []
    try poll(member, into: &records) { _, result in
      result.rebalance == .assigned([TopicPartition("events", 0)])
    }
    #expect(warnings().count == 1)
    member.close()
  }

  /// The stage then opens its partitions again, which shows whether their records are others.
  @Test func aMembersPollFailsOnceItsTopicHasLostPartitions() throws {
    let cluster = try Cluster(
      ["events": 1], properties: ["topic.metadata.refresh.interval.ms": "100"])
    let (member, reader) = (
      try cluster.member("events", group: "losing"), try cluster.reader("events")
    )
    let zero = TopicPartition("events", 0)
    var records: [Copied] = []
    try poll(member, into: &records) { _, result in result.rebalance == .assigned([zero]) }
    try member.assign([(zero, .beginning)])
    try reader.assign([(zero, .beginning)])
    setKnown(false, "events", cluster.broker)
    let deadline = ContinuousClock.now + patience
    var error: LogError?
    // librdkafka's own report may come first.
    while error?.reaction != .abandonPartition, ContinuousClock.now < deadline {
      do throws(LogError) {
        _ = try member.poll(maxRecords: 1, timeout: .milliseconds(20)) { _ in true }
      } catch let failure { error = failure }
    }
    #expect(error?.code == .unknownTopic && error?.reaction == .abandonPartition)
    // No state depends on what a reader without a group reads.
    do throws(LogError) {
      for _ in 0..<5 {
        _ = try reader.poll(maxRecords: 1, timeout: .milliseconds(50)) { _ in true }
      }
    } catch {
      #expect(error.reaction != .abandonPartition)
    }
    member.close(leaving: false)
    reader.close()
  }

  @Test func closingBeforeJoiningDoesNotHang() throws {
    let cluster = try Cluster(["events": 2])
    let start = ContinuousClock.now
    try cluster.member("events", group: "early").close()
    #expect(ContinuousClock.now - start < .seconds(9))
  }

  /// The first question about a group of a new cluster is often answered by the wrong broker.
  @Test func offsetsAreAskedForUntilTheCoordinatorAnswers() throws {
    let cluster = try Cluster(["events": 1])
    let admin = try cluster.log.makeAdmin()
    let zero = TopicPartition("events", 0)
    let offsetFetch: Int16 = 9
    refuseAsWrongCoordinator(cluster.broker, request: offsetFetch, times: 8)
    #expect(try admin.commits(group: "new", of: [zero]) == [:])
    try admin.commit([zero: 4], group: "new", stamp: .accepted)
    refuseAsWrongCoordinator(cluster.broker, request: offsetFetch, times: 8)
    #expect(try admin.committed(group: "new", of: [zero]) == [zero: 4])
  }

  @Test func aTrialAsksUntilTheCoordinatorAnswers() throws {
    let cluster = try Cluster(["events": 1])
    let admin = try cluster.log.makeAdmin()
    let offsetCommit: Int16 = 8
    refuseAsWrongCoordinator(
      cluster.broker, request: offsetCommit, times: 8,
      last: RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
    #expect {
      try admin.tryCommit(group: "new", of: ["events"])
    } throws: {
      ($0 as? LogError)?.code == .denied
    }
  }
}

import EventLog
import Foundation
import Testing

@testable import KafkaLog

private let bootstrapServers = ProcessInfo.processInfo.environment["KAFKA_BOOTSTRAP_SERVERS"]

/// What only real brokers do: aborts, fencing, isolation, admin requests.
@Suite(
  .enabled(if: bootstrapServers != nil, "needs Apache Kafka named by KAFKA_BOOTSTRAP_SERVERS"),
  .serialized)
struct ApacheKafkaTests {
  private let log = KafkaLog(
    settings: KafkaSettings(bootstrapServers: bootstrapServers ?? ""), logger: quiet)

  /// Runs `body` with new topics, deleted afterwards. A prefix makes their names unique.
  private func withTopics(
    _ topics: [String: Int32], _ body: (_ prefix: String, KafkaAdmin) throws -> Void
  ) throws {
    let prefix = "test-\(UInt64.random(in: 0...UInt64.max))-"
    let admin = try log.makeAdmin()
    let created = try admin.create(
      topics.map {
        KafkaAdmin.NewTopic(
          prefix + $0.key, partitions: $0.value, replicationFactor: 1,
          properties: ["retention.ms": "-1"])
      })
    #expect(created.values.allSatisfy { $0 == .done })
    defer { _ = try? admin.delete(topics.keys.map { prefix + $0 }) }
    let deadline = ContinuousClock.now + patience
    while try !Set(admin.topics().keys).isSuperset(of: topics.keys.map { prefix + $0 }) {
      try #require(ContinuousClock.now < deadline)
    }
    try body(prefix, admin)
  }

  private func producer(_ topics: [String], id: String? = nil) throws -> KafkaProducer {
    try log.makeProducer(
      ProducerConfiguration(
        topics: topics, delivery: id.map { .transactional(id: $0) } ?? .idempotent,
        clientID: "test"))
  }

  private func reader(_ topic: String, readCommitted: Bool = true) throws -> KafkaConsumer {
    try log.makeConsumer(
      ConsumerConfiguration(
        topics: [topic], group: nil, clientID: "reader", readCommitted: readCommitted,
        fetchWait: .milliseconds(20)))
  }

  private func member(_ topic: String, group: String) throws -> KafkaConsumer {
    try log.makeConsumer(
      ConsumerConfiguration(
        topics: [topic], group: group, clientID: "member", fetchWait: .milliseconds(20)))
  }

  private func join(_ member: KafkaConsumer, expecting count: Int) throws -> [Copied] {
    var records: [Copied] = []
    try poll(member, into: &records) { records, result in
      if case .assigned(let partitions) = result.rebalance {
        try member.assign(partitions.map { ($0, .beginning) })
      }
      return records.count >= count
    }
    return records
  }

  @Test func topicsAreCreatedDescribedAndDeleted() throws {
    try withTopics(["one": 3]) { prefix, admin in
      let name = prefix + "one"
      #expect(try admin.topics()[name] == 3)
      let properties = try admin.properties(of: [name])[name]
      #expect(properties?.values["retention.ms"] == "-1")
      #expect(properties?.own == ["retention.ms"])
      let again = try admin.create([.init(name, partitions: 3, replicationFactor: 1)])
      #expect(again == [name: .unchanged])
      let wrong = try admin.create([
        .init(prefix + "wrong", partitions: 1, replicationFactor: 1, properties: ["no.such": "1"])
      ])
      guard case .failed(let error) = wrong[prefix + "wrong"] else {
        Issue.record("an unknown topic property was accepted")
        return
      }
      #expect(error.code == .configuration)
      #expect(try !admin.cluster().id.isEmpty)
      let producer = try producer([name])
      for number in 0..<5 {
        try producer.send("\(number)", partition: 0, timestamp: 1000 + Int64(number))
      }
      try producer.flush(timeout: patience)
      let zero = TopicPartition(name, 0)
      #expect(try admin.offsets(of: [zero]) == [zero: 0..<5])
      #expect(try admin.offsets(of: [zero], at: 1003) == [zero: 3])
      #expect(try admin.offsets(of: [zero], at: 2000) == [:])
      let reader = try reader(name)
      #expect { try reader.partitionCount(of: prefix + "none") } throws: {
        ($0 as? LogError)?.code == .unknownTopic
      }
      #expect { try producer.topic(named: prefix + "none") } throws: {
        ($0 as? LogError)?.code == .unknownTopic
      }
      #expect(try admin.topics()[prefix + "none"] == nil)
    }
  }

  @Test func abortedRecordsAreNeverSeen() throws {
    try withTopics(["output": 1]) { prefix, _ in
      let output = prefix + "output"
      let zero = TopicPartition(output, 0)
      let reader = try reader(output)
      try reader.assign([(zero, .beginning)])
      let producer = try producer([output], id: prefix + "id")
      var expected: [String] = []
      for number in 0..<20 {
        try producer.beginTransaction()
        try producer.send("\(number)", partition: 0, tracked: true)
        if number % 3 == 0 {
          try producer.flush(timeout: patience)
          try producer.abortTransaction(timeout: patience)
        } else {
          try producer.commitTransaction(offsets: [:], of: reader, timeout: patience)
          expected.append("\(number)")
        }
      }
      #expect(try read(reader, count: expected.count).map(\.text) == expected)
      let dirty = try self.reader(output, readCommitted: false)
      try dirty.assign([(zero, .beginning)])
      #expect(try read(dirty, count: 20).map(\.text) == (0..<20).map(String.init))
    }
  }

  @Test func anOpenTransactionHoldsTheEndBack() throws {
    try withTopics(["output": 1]) { prefix, _ in
      let output = prefix + "output"
      let zero = TopicPartition(output, 0)
      let (committed, dirty) = (try reader(output), try reader(output, readCommitted: false))
      let producer = try producer([output], id: prefix + "id")
      try producer.beginTransaction()
      try producer.send("open", partition: 0)
      try producer.flush(timeout: patience)
      #expect(try committed.offsets(of: zero) == 0..<0)
      #expect(try dirty.offsets(of: zero) == 0..<1)
      try producer.commitTransaction(offsets: [:], of: committed, timeout: patience)
      let deadline = ContinuousClock.now + patience
      while try committed.offsets(of: zero) != 0..<2, ContinuousClock.now < deadline {}
      #expect(try committed.offsets(of: zero) == 0..<2)
      // At the end, the marker after the last record is not lag.
      try committed.assign([(zero, .beginning)])
      var records: [Copied] = []
      try poll(committed, into: &records) { _, result in result.ends[zero] == 2 }
      #expect(committed.endHint(of: zero) == 1)
    }
  }

  @Test func offsetsBelongToTheTransaction() throws {
    try withTopics(["input": 1, "output": 1]) { prefix, admin in
      let (input, output) = (prefix + "input", prefix + "output")
      let zero = TopicPartition(input, 0)
      let source = try producer([input])
      for number in 0..<10 { try source.send("\(number)") }
      try source.flush(timeout: patience)
      let member = try member(input, group: prefix + "group")
      #expect(try join(member, expecting: 10).count == 10)
      let producer = try producer([output], id: prefix + "id")
      for number in 1...10 as ClosedRange<Int64> {
        try producer.beginTransaction()
        try producer.send("\(number)")
        try producer.commitTransaction(offsets: [zero: number], of: member, timeout: patience)
        #expect(try member.committed([zero]) == [zero: number])
      }
      #expect(try admin.committed(group: prefix + "group", of: [zero]) == [zero: 10])
    }
  }

  /// The broker lists members' partitions for a stable group only.
  @Test func membersAreListedWithTheirPartitionsOrNotAtAll() throws {
    try withTopics(["input": 2]) { prefix, admin in
      let (input, group) = (prefix + "input", prefix + "group")
      let all = Set((0..<2).map { TopicPartition(input, $0) })
      func turn(_ member: KafkaConsumer) throws {
        let result = try member.poll(maxRecords: 1, timeout: .milliseconds(20)) { _ in true }
        switch result.rebalance {
        case .assigned(let partitions): try member.assign(partitions.map { ($0, .beginning) })
        case .revoked(let partitions), .lost(let partitions): try member.unassign(partitions)
        case nil: break
        }
      }
      func wait(_ polled: [KafkaConsumer], for done: ([KafkaAdmin.GroupMember]?) -> Bool) throws {
        let deadline = ContinuousClock.now + patience
        while try !done(admin.members(of: group)) {
          try #require(ContinuousClock.now < deadline)
          for member in polled { try turn(member) }
        }
      }
      #expect(try admin.members(of: group) == nil)
      let first = try member(input, group: group)
      try wait([first]) { $0?.map(\.partitions) == [all] }
      // The first member doesn't answer, so the group is stuck.
      let second = try member(input, group: group)
      try wait([second]) { $0 == nil }
      try wait([first, second]) {
        $0?.count == 2 && $0?.reduce(into: []) { $0.formUnion($1.partitions) } == all
          && $0?.allSatisfy { $0.partitions.count == 1 } == true
      }
      first.close()
      second.close()
    }
  }

  @Test func aSuccessorFencesTheProducer() throws {
    try withTopics(["output": 1]) { prefix, _ in
      let output = prefix + "output"
      let reader = try reader(output)
      let old = try producer([output], id: prefix + "id")
      try old.beginTransaction()
      try old.send("old", partition: 0)
      try old.flush(timeout: patience)
      let new = try producer([output], id: prefix + "id")
      #expect {
        try old.send("older", partition: 0)
        try old.commitTransaction(offsets: [:], of: reader, timeout: patience)
      } throws: { error in
        guard let error = error as? LogError else { return false }
        return error.code == .fenced && error.reaction == .abandonPartition
      }
      try new.beginTransaction()
      try new.send("new", partition: 0)
      try new.commitTransaction(offsets: [:], of: reader, timeout: patience)
      try reader.assign([(TopicPartition(output, 0), .beginning)])
      #expect(try read(reader, count: 1).map(\.text) == ["new"])
    }
  }

  @Test func aReplacedMemberCannotCommit() throws {
    try withTopics(["input": 1, "output": 1]) { prefix, _ in
      let (input, output) = (prefix + "input", prefix + "output")
      let zero = TopicPartition(input, 0)
      let source = try producer([input])
      try source.send("0", partition: 0)
      try source.flush(timeout: patience)
      // Static members with the same name: the second replaces the first.
      let configuration = ConsumerConfiguration(
        topics: [input], group: prefix + "group", instanceID: prefix + "member",
        clientID: "member")
      let elder = try log.makeConsumer(configuration)
      _ = try join(elder, expecting: 1)
      let producer = try producer([output], id: prefix + "id")
      try producer.beginTransaction()
      try producer.send("stale")
      let younger = try log.makeConsumer(configuration)
      _ = try join(younger, expecting: 1)
      #expect {
        try producer.commitTransaction(offsets: [zero: 1], of: elder, timeout: patience)
      } throws: {
        ($0 as? LogError)?.code == .fenced
      }
      try producer.abortTransaction(timeout: patience)
      #expect(try younger.committed([zero]) == [:])
      var records: [Copied] = []
      #expect { try poll(elder, into: &records) { _, _ in false } } throws: {
        ($0 as? LogError)?.code == .fenced
      }
    }
  }

  @Test func aPredecessorIsFoundByItsOffsetsAndFenced() throws {
    try withTopics(["input": 2, "output": 1]) { prefix, _ in
      let (input, output) = (prefix + "input", prefix + "output")
      let (zero, one) = (TopicPartition(input, 0), TopicPartition(input, 1))
      let dead = prefix + "dead"
      let consumer = try log.makeConsumer(
        ConsumerConfiguration(
          topics: [input], group: prefix + "group", isMember: false, instanceID: dead,
          clientID: "dead"))
      try consumer.commit([zero: 0, one: 0], wait: true)
      try consumer.disown([one: 0])
      #expect(try consumer.owners(of: [zero, one]) == [zero: dead])
      let producer = try producer([output], id: dead)
      try producer.beginTransaction()
      try producer.send("kept", partition: 0)
      try producer.commitTransaction(offsets: [zero: 1], of: consumer, timeout: patience)
      #expect(try consumer.committed([zero]) == [zero: 1])
      #expect(try consumer.owners(of: [zero, one]) == [zero: dead])
      try producer.beginTransaction()
      try producer.send("hidden", partition: 0)
      try producer.flush(timeout: patience)
      let reader = try reader(output)
      let stable = try reader.offsets(of: TopicPartition(output, 0)).upperBound
      try log.fence(transactionalID: dead)
      // Nothing is open now.
      let end = try reader.offsets(of: TopicPartition(output, 0)).upperBound
      #expect(end > stable)
      #expect {
        try producer.commitTransaction(offsets: [zero: 2], of: consumer, timeout: patience)
      } throws: {
        ($0 as? LogError)?.reaction == .abandonPartition
      }
    }
  }

  @Test func whatTheBrokerRefusesAbortsTheTransaction() throws {
    try withTopics(["output": 1]) { prefix, _ in
      let output = prefix + "output"
      let reader = try reader(output)
      let producer = try producer([output], id: prefix + "id")
      try producer.beginTransaction()
      // Over the broker's `message.max.bytes`, under the client's.
      try producer.send(String(repeating: "x", count: 2_000_000), partition: 0)
      #expect {
        try producer.commitTransaction(offsets: [:], of: reader, timeout: patience)
      } throws: {
        ($0 as? LogError)?.code == .recordTooLarge
      }
      // A failed transaction takes no more records.
      #expect(throws: LogError.self) { try producer.send("late", partition: 0) }
      try producer.abortTransaction(timeout: patience)
      try producer.beginTransaction()
      try producer.send("small", partition: 0)
      try producer.commitTransaction(offsets: [:], of: reader, timeout: patience)
      try reader.assign([(TopicPartition(output, 0), .beginning)])
      #expect(try read(reader, count: 1).map(\.text) == ["small"])
    }
  }

  /// The record is refused each time: repeating its batch would never end.
  @Test func aSendAfterARefusedRecordSaysWhyTheTransactionHasFailed() throws {
    try withTopics(["small": 1]) { prefix, _ in
      let producer = try producer([prefix + "small"], id: prefix + "id")
      try producer.beginTransaction()
      try producer.send(String(repeating: "x", count: 2 << 20), partition: 0)
      let deadline = ContinuousClock.now + patience
      var failure: LogError?
      while failure == nil, ContinuousClock.now < deadline {
        do { try producer.send("next", partition: 0) } catch { failure = error as? LogError }
      }
      #expect(failure?.code == .recordTooLarge, "\(String(describing: failure))")
      try producer.abortTransaction(timeout: patience)
      producer.close()
    }
  }

  /// A request has named the topic, which doesn't take the record.
  @Test func aFailedDeliveryToATopicThatARequestNamedDoesNotFailTheBatch() throws {
    try withTopics(["ours": 1, "small": 1]) { prefix, _ in
      let producer = try producer([prefix + "ours"])
      let small = try producer.topic(named: prefix + "small").index
      try producer.send("good", partition: 0, tracked: true)
      try producer.send(String(repeating: "x", count: 2 << 20), topic: small, partition: 0)
      try producer.flush(timeout: patience)
      #expect(producer.deliveredOffset(topic: 0, partition: 0) == 0)
      try producer.send(String(repeating: "x", count: 2 << 20), partition: 0)
      #expect { try producer.flush(timeout: patience) } throws: {
        ($0 as? LogError)?.code == .recordTooLarge
      }
      producer.close()
    }
  }

  /// An undecided transaction is not its readers' backlog.
  @Test func anOpenTransactionIsNotLag() throws {
    try withTopics(["input": 1]) { prefix, _ in
      let source = TopicPartition(prefix + "input", 0)
      let writer = try producer([source.topic])
      try writer.send("visible", partition: 0)
      try writer.flush(timeout: patience)
      let open = try producer([source.topic], id: prefix + "id")
      try open.beginTransaction()
      for number in 0..<10 { try open.send("\(number)", partition: 0) }
      try open.flush(timeout: patience)
      let reader = try reader(source.topic)
      try reader.assign([(source, .beginning)])
      var records: [Copied] = []
      try poll(reader, into: &records) { _, result in result.ends[source] != nil }
      #expect(records.map(\.text) == ["visible"])
      #expect(reader.endHint(of: source) == 1)
      try open.abortTransaction(timeout: patience)
      reader.close()
      open.close()
      writer.close()
    }
  }
}

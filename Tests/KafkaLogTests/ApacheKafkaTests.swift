import EventLog
import Testing

@testable import KafkaLog

/// What only real brokers do: aborts, fencing, isolation, admin requests.
@Suite(.needsApacheKafka, .serialized)
struct ApacheKafkaTests: ApacheKafkaSuite {
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

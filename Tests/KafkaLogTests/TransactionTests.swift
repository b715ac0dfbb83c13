import EventLog
import Testing

@testable import KafkaLog

/// Transactions as far as the mock cluster supports them: it makes records visible at once, and
/// drops the offsets.
@Suite struct TransactionTests {
  private let input = TopicPartition("input", 0)

  private func cluster() throws -> Cluster { try Cluster(["input": 1, "output": 2]) }

  @Test func outputsArriveWithTheirOffsetsAccepted() throws {
    let cluster = try cluster()
    let source = try cluster.producer(["input"])
    for number in 0..<10 { try source.send("\(number)") }
    try source.flush(timeout: patience)

    let member = try cluster.member("input", group: "stage")
    var records: [Copied] = []
    try poll(member, into: &records) { records, result in
      if case .assigned(let partitions) = result.rebalance {
        try member.assign(partitions.map { ($0, .beginning) })
      }
      return records.count == 10
    }
    let producer = try cluster.producer(["output"], .transactional(id: "stage-0"))
    var last: Int64 = -1
    for number in 0..<10 {
      try producer.beginTransaction()
      try producer.send("\(number)", partition: 1, tracked: true)
      try producer.commitTransaction(
        offsets: [input: Int64(number + 1)], of: member, timeout: patience)
      // Newer mock clusters write a marker after each transaction.
      let offset = try #require(producer.deliveredOffset(topic: 0, partition: 1))
      #expect(offset > last)
      last = offset
    }
    let reader = try cluster.reader("output")
    try reader.assign([(TopicPartition("output", 1), .beginning)])
    #expect(try read(reader, count: 10).map(\.text) == (0..<10).map(String.init))
  }

  @Test func anEmptyTransactionCommitsAndAborts() throws {
    let cluster = try cluster()
    let reader = try cluster.reader("input")
    let producer = try cluster.producer(["output"], .transactional(id: "empty"))
    for _ in 0..<4 {
      try producer.beginTransaction()
      try producer.commitTransaction(offsets: [:], of: reader, timeout: patience)
      try producer.beginTransaction()
      try producer.abortTransaction(timeout: patience)
    }
    // With nothing open, an abort does nothing.
    try producer.abortTransaction(timeout: patience)
  }

  @Test func anAbortedTransactionIsFollowedByACommittedOne() throws {
    let cluster = try cluster()
    let reader = try cluster.reader("output")
    let producer = try cluster.producer(["output"], .transactional(id: "aborting"))
    try producer.beginTransaction()
    try producer.send("no", partition: 0)
    try producer.abortTransaction(timeout: patience)
    try producer.beginTransaction()
    try producer.send("yes", partition: 1)
    try producer.commitTransaction(offsets: [:], of: reader, timeout: patience)
    try reader.assign([(TopicPartition("output", 1), .beginning)])
    #expect(try read(reader, count: 1).map(\.text) == ["yes"])
  }

  @Test func aCommitWaitsForAnUnreachableBroker() throws {
    let cluster = try cluster()
    let reader = try cluster.reader("output")
    let producer = try cluster.producer(["output"], .transactional(id: "waiting"))
    try producer.beginTransaction()
    try producer.send("late", partition: 0)
    try cluster.broker.setReachable(false)
    #expect {
      try producer.commitTransaction(offsets: [:], of: reader, timeout: .milliseconds(300))
    } throws: {
      ($0 as? LogError)?.reaction == .retry
    }
    try cluster.broker.setReachable(true)
    try producer.commitTransaction(offsets: [:], of: reader, timeout: patience)
    try reader.assign([(TopicPartition("output", 0), .beginning)])
    #expect(try read(reader, count: 1).map(\.text) == ["late"])
  }
}

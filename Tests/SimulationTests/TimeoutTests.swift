import EventLog
import Simulation
import Testing

/// A log with timeouts finds out about the dead as Kafka's brokers do.
struct TimeoutTests {
  private let log = MemoryLog(
    timeouts: BrokerTimeouts(session: .seconds(10), transaction: .seconds(15)))
  private let partition = TopicPartition("t", 0)

  init() {
    log.createTopic("t", partitions: 1)
  }

  private func member(_ process: SimulatedProcess, _ name: String?) throws -> MemoryConsumer {
    try log.connected(process).makeConsumer(
      ConsumerConfiguration(topics: ["t"], group: "g", instanceID: name, clientID: "m"))
  }

  private func rebalance(_ consumer: MemoryConsumer) throws -> Rebalance? {
    try consumer.poll(maxRecords: 1, timeout: .zero) { _ in true }.rebalance
  }

  @Test func theDeadKeepTheirPartitionsForASession() throws {
    let process = SimulatedProcess("a")
    let first = try member(process, nil)
    #expect(try rebalance(first) == .assigned([partition]))
    try first.assign([(partition, .beginning)])
    process.kill()
    let second = try member(SimulatedProcess("b"), nil)
    log.passTime(to: .seconds(9))
    #expect(try rebalance(second) == nil)
    log.passTime(to: .seconds(11))
    #expect(try rebalance(second) == .assigned([partition]))
  }

  @Test func aMemberWithANameComesBackToItsPartitions() throws {
    let first = try member(SimulatedProcess("a"), "a")
    #expect(try rebalance(first) == .assigned([partition]))
    try first.assign([(partition, .beginning)])
    first.close(leaving: false)
    let other = try member(SimulatedProcess("b"), "b")
    #expect(try rebalance(other) == nil)
    let restarted = try member(SimulatedProcess("a"), "a")
    #expect(try rebalance(restarted) == .assigned([partition]))
    log.passTime(to: .seconds(60))
    #expect(try rebalance(other) == nil)
  }

  @Test func anOpenTransactionTimesOut() throws {
    let producer = try log.makeProducer(
      ProducerConfiguration(topics: ["t"], delivery: .transactional(id: "p"), clientID: "p"))
    try producer.beginTransaction()
    try producer.send(topic: 0, partition: 0, key: nil, value: nil)
    log.passTime(to: .seconds(14))
    #expect(try log.lastStableOffset(of: partition) == 0)
    log.passTime(to: .seconds(16))
    #expect(try log.lastStableOffset(of: partition) == 2)
    do throws(LogError) {
      try producer.commitTransaction()
      Issue.record("a producer that was timed out has committed")
    } catch {
      #expect(error.code == .fenced)
    }
    #expect(log.takeFacts().isEmpty)
  }

  @Test func whatIsCertainIsTold() throws {
    try log.append(to: partition, key: nil, value: [1])
    let producer = try log.makeProducer(
      ProducerConfiguration(topics: ["t"], delivery: .transactional(id: "p"), clientID: "p"))
    try producer.beginTransaction()
    try producer.send(topic: 0, partition: 0, key: nil, value: nil)
    #expect(log.takeFacts().count == 1, "the open transaction's record is not certain")
    try producer.commitTransaction()
    guard case .transaction(let id, let records, let offsets)? = log.takeFacts().first else {
      Issue.record("the transaction was not told")
      return
    }
    #expect(id == "p" && records.map(\.record.offset) == [1] && offsets == nil)
  }
}

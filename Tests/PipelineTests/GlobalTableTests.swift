import EventLog
import Simulation
import Testing

@testable import Pipeline

@Suite struct GlobalTableTests {
  /// A topic's end is reported once. What is delivered again after it must not take the table back
  /// before it, or it would wait forever.
  @Test func catchesUpAlthoughRecordsAreDeliveredAgain() throws {
    let log = MemoryLog()
    log.createTopic("t", partitions: 2)
    let producer = try log.makeProducer(
      ProducerConfiguration(topics: ["t"], delivery: .transactional(id: "p"), clientID: "p"))
    let reader = try log.makeConsumer(
      ConsumerConfiguration(topics: ["t"], group: "g", isMember: false, clientID: "r"))
    let key: [UInt8] = [1]
    try producer.beginTransaction()
    try producer.send(
      topic: 0, partition: 0, key: key.span.bytes, value: key.span.bytes, headers: [],
      timestamp: nil, tracked: false)
    try producer.commitTransaction(offsets: [:], of: reader, timeout: .zero)
    for number in 0..<10 as Range<UInt8> {
      try log.append(to: TopicPartition("t", 1), key: [number], value: [number])
    }
    #expect(try log.offsets(of: TopicPartition("t", 0)) == 0..<2, "a marker ends the partition")

    let process = SimulatedProcess(
      maxFetchRecords: 4,
      faults: { moment in
        guard moment.effect == .poll else { return nil }
        return moment.number == 1 ? .redeliver(2) : moment.number < 100 ? nil : .die
      })
    let table = try GlobalTable<MemoryConsumer>(
      log.connected(process), topic: "t", clientID: "table")
    var keys: Set<UInt8> = []
    try table.catchUp { record in
      if let key = record.key { keys.insert(key.unsafeLoad(as: UInt8.self)) }
    }
    #expect(keys == Set(0..<10))
  }

  /// A partition without a leader brings nothing, and says nothing.
  @Test func whatCannotBeReadToItsEndIsSaidSo() throws {
    let log = MemoryLog()
    log.createTopic("t", partitions: 1)
    try log.append(to: TopicPartition("t", 0), key: [1], value: [1])
    let process = SimulatedProcess(faults: { $0.effect == .poll ? .silence : nil })
    let table = try GlobalTable<MemoryConsumer>(
      log.connected(process), topic: "t", clientID: "table")
    #expect { try table.catchUp { _ in } } throws: {
      guard let error = $0 as? LogError else { return false }
      return error.reaction == .retry && error.message.contains("t[0]")
    }
  }
}

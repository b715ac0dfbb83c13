import EventLog
import Simulation
import Testing

@testable import Pipeline

@Suite struct SnapshotTableTests {
  private let log = MemoryLog()
  private let place = TopicPartition("t", 0)

  init() { log.createTopic("t", partitions: 2) }

  private func table(_ process: SimulatedProcess = SimulatedProcess(), waits: Bool = false) throws
    -> SnapshotTable<MemoryConsumer>
  {
    try SnapshotTable(log.connected(process), topic: "t", clientID: "table", waits: waits)
  }

  private func newKeys(_ table: SnapshotTable<MemoryConsumer>) throws -> [UInt8] {
    var keys: [UInt8] = []
    try table.catchUp { record in
      if let key = record.key { keys.append(key.unsafeLoad(as: UInt8.self)) }
    }
    return keys.sorted()
  }

  private func send(_ key: [UInt8], _ producer: MemoryProducer) throws {
    try producer.beginTransaction()
    try producer.send(
      topic: 0, partition: 0, key: key.span.bytes, value: key.span.bytes, headers: [],
      timestamp: nil, tracked: false)
  }

  private func makeProducer() throws -> (MemoryProducer, MemoryConsumer) {
    let producer = try log.makeProducer(
      ProducerConfiguration(topics: ["t"], delivery: .transactional(id: "p"), clientID: "p"))
    let reader = try log.makeConsumer(
      ConsumerConfiguration(topics: ["t"], group: "g", isMember: false, clientID: "r"))
    return (producer, reader)
  }

  @Test func eachLookBringsWhatIsNew() throws {
    let table = try table()
    #expect(try newKeys(table) == [])
    try log.append(to: place, key: [1], value: [1])
    try log.append(to: TopicPartition("t", 1), key: [2], value: [2])
    #expect(try newKeys(table) == [1, 2])
    let (producer, reader) = try makeProducer()
    try send([3], producer)
    #expect(try newKeys(table) == [], "what is not committed is not there")
    try producer.commitTransaction(offsets: [:], of: reader, timeout: .zero)
    #expect(try newKeys(table) == [3])
    #expect(try newKeys(table) == [], "a marker is nothing new")
  }

  @Test func waitsForOpenTransactions() throws {
    let (producer, _) = try makeProducer()
    try send([1], producer)
    let table = try table(waits: true)
    #expect { try newKeys(table) } throws: { ($0 as? LogError)?.code == .unavailable }
  }

  /// What an error has cut off is read again.
  @Test func anErrorLosesNothing() throws {
    for number in 0..<10 as Range<UInt8> {
      try log.append(to: place, key: [number], value: [number])
    }
    let process = SimulatedProcess(
      maxFetchRecords: 4,
      faults: { moment in
        guard moment.effect == .poll, moment.number == 2 else { return nil }
        return .fail(LogError(.unavailable, "no answer", reaction: .retry))
      })
    let table = try table(process)
    #expect(throws: LogError.self) { try newKeys(table) }
    #expect(try newKeys(table) == Array(0..<10))
  }
}

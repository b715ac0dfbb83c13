import EventLog
import StateStore
import Testing

@testable import Simulation

/// The simulated log keeps Kafka's rules, or what runs on it proves nothing.
struct MemoryLogTests {
  private let log = MemoryLog()
  private let partition = TopicPartition("t", 0)

  init() {
    log.createTopic("t", partitions: 1)
    log.createTopic("four", partitions: 4)
  }

  private func producer(_ id: String) throws -> MemoryProducer {
    try log.makeProducer(
      ProducerConfiguration(topics: ["t"], delivery: .transactional(id: id), clientID: id))
  }

  private func send(_ text: String, to producer: MemoryProducer, tracked: Bool = false) throws {
    let bytes = text.utf8Array
    try producer.send(
      topic: 0, partition: 0, key: bytes.span.bytes, value: bytes.span.bytes, headers: [],
      timestamp: nil, tracked: tracked)
  }

  private func visible(readCommitted: Bool = true) throws -> [String] {
    try log.records(of: partition, readCommitted: readCommitted).map {
      String(decoding: $0.key ?? [], as: UTF8.self)
    }
  }

  // MARK: Transactions

  @Test func markersTakeOffsets() throws {
    let producer = try producer("p")
    for text in ["a", "b"] {
      try producer.beginTransaction()
      try send(text, to: producer, tracked: true)
      try producer.commitTransaction()
    }
    #expect(producer.deliveredOffset(topic: 0, partition: 0) == 2)
    #expect(try log.offsets(of: partition) == 0..<4)
    #expect(try log.records(of: partition).map(\.offset) == [0, 2])
  }

  @Test func anOpenTransactionHoldsTheStableOffsetBack() throws {
    let (first, second) = (try producer("1"), try producer("2"))
    try first.beginTransaction()
    try send("open", to: first)
    try second.beginTransaction()
    try send("committed", to: second)
    try second.commitTransaction()
    #expect(try visible() == [])
    #expect(try visible(readCommitted: false) == ["open", "committed"])
    #expect(try log.lastStableOffset(of: partition) == 0)
    try first.abortTransaction(timeout: .zero)
    #expect(try visible() == ["committed"])
    #expect(try log.lastStableOffset(of: partition) == 4)
  }

  @Test func aNewProducerFencesTheOldOne() throws {
    let old = try producer("p")
    try old.beginTransaction()
    try send("lost", to: old)
    let new = try producer("p")
    #expect(try log.lastStableOffset(of: partition) == 2)
    #expect(throws: LogError.self) { try send("zombie", to: old) }
    do throws(LogError) {
      try old.commitTransaction()
      Issue.record("a fenced producer has committed")
    } catch {
      #expect(error.code == .fenced)
      #expect(error.reaction == .abandonPartition)
    }
    try new.beginTransaction()
    try send("kept", to: new)
    try new.commitTransaction()
    #expect(try visible() == ["kept"])
  }

  @Test func aCommitOfUnknownOutcomeMayBeRepeated() throws {
    let process = SimulatedProcess(faults: {
      $0.effect == .commitTransaction && $0.number == 0
        ? .failAfterwards(LogError(.unavailable, "no answer", reaction: .retry)) : nil
    })
    let producer = try log.connected(process).makeProducer(
      ProducerConfiguration(topics: ["t"], delivery: .transactional(id: "p"), clientID: "p"))
    try producer.beginTransaction()
    try send("once", to: producer)
    #expect(throws: LogError.self) { try producer.commitTransaction() }
    try producer.commitTransaction()
    #expect(try visible() == ["once"])
    #expect(try log.offsets(of: partition) == 0..<2)
  }

  @Test func theDeadHaveNoEffects() throws {
    let process = SimulatedProcess()
    let producer = try log.connected(process).makeProducer(
      ProducerConfiguration(topics: ["t"], delivery: .idempotent, clientID: "p"))
    try send("a", to: producer)
    process.kill()
    do throws(LogError) {
      try producer.flush(timeout: .zero)
      Issue.record("a dead process has flushed")
    } catch {
      #expect(error.reaction == .stopDaemon)
    }
    #expect(throws: StoreError.self) {
      try MemoryStorage().mounted(process).open(stage: "s", partition: 0, tables: [])
    }
  }

  /// As LMDB has it, within a process.
  @Test func aStoreHasOneWriterAtATime() throws {
    let storage = MemoryStorage()
    func open(_ storage: MemoryStorage) throws -> MemoryStore {
      try storage.open(stage: "s", partition: 0, tables: [])
    }
    var store: MemoryStore? = try open(storage)
    let error = #expect(throws: StoreError.self) { try open(storage) }
    #expect(error?.remedy == .stop)
    #expect(throws: Never.self) { try open(storage.mounted(SimulatedProcess())) }
    store = nil
    store = try open(storage)
    try store?.close()
    let next = try open(storage)
    try storage.destroy(stage: "s", partition: 0)
    let new = try open(storage)
    #expect(throws: StoreError.self) { try open(storage) }
    withExtendedLifetime((store, next, new)) {}
  }

  // MARK: Reading

  private func poll(_ consumer: MemoryConsumer, max: Int = 100) throws
    -> (keys: [String], result: PollResult)
  {
    var keys: [String] = []
    let result = try consumer.poll(maxRecords: max, timeout: .zero) { record in
      let key: [UInt8]? = if let key = record.key { Array(copying: key) } else { nil }
      keys.append(key.map { String(decoding: $0, as: UTF8.self) } ?? "null")
      return true
    }
    return (keys, result)
  }

  @Test func anEndIsToldOnceAndSkipsGaps() throws {
    let producer = try producer("p")
    try producer.beginTransaction()
    try send("a", to: producer)
    try producer.abortTransaction(timeout: .zero)
    try log.append(to: partition, key: nil, value: nil)
    let reader = try log.makeConsumer(
      ConsumerConfiguration(topics: ["t"], group: nil, clientID: "r"))
    try reader.assign([(partition, .beginning)])
    let first = try poll(reader)
    #expect(first.keys == ["null"])
    #expect(first.result.ends == [partition: 3])
    #expect(try poll(reader).result.ends.isEmpty)
    try reader.rewind([partition: 0])
    #expect(try poll(reader).keys == ["null"])
  }

  @Test func recordsComeInRunsOfOnePartition() throws {
    log.createTopic("runs", partitions: 2)
    for number in 0..<10 {
      let value = [UInt8](repeating: UInt8(number), count: number)
      try log.append(
        to: TopicPartition("runs", Int32(number % 2)), key: nil, value: value,
        headers: [RecordHeader("number", text: "\(number)")])
    }
    let reader = try log.makeConsumer(
      ConsumerConfiguration(topics: ["runs"], group: nil, clientID: "r"))
    try reader.assign((0..<2).map { (TopicPartition("runs", $0), .beginning) })
    var runs = 0
    let result = try reader.pollRuns(maxRecords: 100, timeout: .zero) { run in
      runs += 1
      #expect(run.count == 5 && (run.firstOffset, run.lastOffset) == (0, 4))
      #expect(run.byteCount == (run.partition == 0 ? 20 : 25))
      // A part of a run is one as well, and so is a part of that.
      let part = run.extracting(run.index(ofOffset: 2)..<run.count).extracting(0..<2)
      #expect(part.count == 2 && part.index(ofOffset: 4) == 2)
      for index in part.indices {
        let record = part[index]
        let number = 2 * Int(record.offset) + Int(record.partition)
        #expect(record.offset == Int64(2 + index))
        #expect(record.value?.byteCount == number)
        #expect(record.copyHeaders() == [RecordHeader("number", text: "\(number)")])
      }
      return true
    }
    #expect(runs == 2 && result.records == 10)
  }

  @Test func aBodyThatStopsDropsWhatIsBehind() throws {
    for _ in 0..<10 { try log.append(to: partition, key: nil, value: nil) }
    let reader = try log.makeConsumer(
      ConsumerConfiguration(topics: ["t"], group: nil, clientID: "r"))
    try reader.assign([(partition, .beginning)])
    var seen = 0
    let result = try reader.poll(maxRecords: 100, timeout: .zero) { _ in
      seen += 1
      return seen < 4
    }
    #expect(seen == 4 && result.records == 4)
    try reader.rewind([partition: 4])
    #expect(try poll(reader).keys.count == 6)
  }

  @Test func headersAndNullsAreKept() throws {
    let headers = [RecordHeader("a", nil), RecordHeader("a", text: "x")]
    try log.append(to: partition, key: [], value: nil, headers: headers, timestamp: 7)
    let reader = try log.makeConsumer(
      ConsumerConfiguration(topics: ["t"], group: nil, clientID: "r"))
    try reader.assign([(partition, .beginning)])
    var seen = 0
    _ = try reader.poll(maxRecords: 1, timeout: .zero) { record in
      seen += 1
      let (keyBytes, hasValue) = (record.key?.byteCount, record.value != nil)
      #expect(keyBytes == 0)
      #expect(!hasValue)
      #expect(record.timestamp == 7)
      #expect(record.copyHeaders() == headers)
      return true
    }
    #expect(seen == 1)
  }

  @Test func aReaderThatFellBehindRetentionIsTold() throws {
    for _ in 0..<4 { try log.append(to: partition, key: nil, value: nil) }
    let reader = try log.makeConsumer(
      ConsumerConfiguration(topics: ["t"], group: nil, clientID: "r"))
    try reader.assign([(partition, .at(1))])
    try log.truncate(partition, before: 3)
    #expect(try reader.offsets(of: partition) == 3..<4)
    #expect(throws: LogError.self) { try poll(reader) }
  }

  @Test func compactionKeepsTheLastOfEachKey() throws {
    for (key, value) in [("a", "1"), ("b", "1"), ("a", "2"), ("b", nil), ("c", "1")] {
      try log.append(to: partition, key: key.utf8Array, value: value?.utf8Array)
    }
    try log.compact(partition, below: 2)
    #expect(try log.records(of: partition).map(\.offset) == [0, 1, 2, 3, 4])
    try log.compact(partition)
    #expect(try log.records(of: partition).map(\.offset) == [2, 3, 4])
    try log.compact(partition, keepsTombstones: false)
    #expect(try log.records(of: partition).map(\.offset) == [2, 4])
    #expect(try log.offsets(of: partition) == 0..<5)
  }

  // MARK: Groups

  private func member() throws -> (consumer: MemoryConsumer, process: SimulatedProcess) {
    let process = SimulatedProcess()
    let consumer = try log.connected(process).makeConsumer(
      ConsumerConfiguration(topics: ["four"], group: "g", clientID: "m"))
    return (consumer, process)
  }

  private func four(_ partitions: Int32...) -> [TopicPartition] {
    partitions.map { TopicPartition("four", $0) }
  }

  @Test func partitionsAreHandedOnOnceGivenUp() throws {
    let (first, _) = try member()
    #expect(try poll(first).result.rebalance == .assigned(four(0, 1, 2, 3)))
    #expect(try poll(first).result.rebalance == .assigned(four(0, 1, 2, 3)), "until answered")
    try first.assign(four(0, 1, 2, 3).map { ($0, .beginning) })
    #expect(try poll(first).result.rebalance == nil)

    let (second, _) = try member()
    #expect(try poll(second).result.rebalance == nil, "nothing is free yet")
    #expect(try poll(first).result.rebalance == .revoked(four(1, 3)))
    try first.commit([four(1)[0]: 5], wait: true)
    try first.unassign(four(1, 3))
    #expect(try poll(second).result.rebalance == .assigned(four(1, 3)))
    #expect(try second.committed(four(1, 3)) == [four(1)[0]: 5])
    try second.assign(four(1, 3).map { ($0, .beginning) })

    second.close()
    #expect(try poll(first).result.rebalance == .assigned(four(1, 3)))
    #expect(log.generation(of: "g") == 3)
  }

  @Test func aMemberThrownOutLosesItsPartitions() throws {
    let (first, process) = try member()
    _ = try poll(first)
    try first.assign(four(0, 1, 2, 3).map { ($0, .beginning) })
    log.expireMembers(of: process, group: "g")
    do throws(LogError) {
      try first.commit([four(0)[0]: 1], wait: true)
      Issue.record("a member that was thrown out has committed")
    } catch {
      #expect(error.code == .fenced)
    }
    #expect(try poll(first).result.rebalance == .lost(four(0, 1, 2, 3)))
    try first.unassign(four(0, 1, 2, 3))
    #expect(try poll(first).result.rebalance == .assigned(four(0, 1, 2, 3)))
  }

  @Test func theDeadAreThrownOut() throws {
    let (first, process) = try member()
    _ = try poll(first)
    process.kill()
    let (second, _) = try member()
    #expect(try poll(second).result.rebalance == .assigned(four(0, 1, 2, 3)))
  }

  /// https://github.com/apache/kafka/blob/trunk/clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java
  static let murmur2Vectors: [(String, Int32)] = [
    ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
    ("a-little-bit-longer-string", -1_486_304_829),
    ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
  ]

  @Test(arguments: murmur2Vectors)
  func murmur2IsKafkas(key: String, hash: Int32) {
    #expect(Int32(bitPattern: KeyPartitioner.murmur2(key.utf8Array)) == hash)
  }
}

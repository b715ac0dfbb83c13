public import EventLog

/// A producer to a `MemoryLog`.
public final class MemoryProducer: LogProducer {
  private enum Transaction {
    case none
    case open(Int)
    /// Committed by the log, but the caller may not know and ask again.
    case committed
  }

  private struct Queued {
    var partition: TopicPartition
    var record: MemoryRecord
    var isTracked: Bool
  }

  private let brokers: MemoryLog.Brokers
  private let process: SimulatedProcess
  private let configuration: ProducerConfiguration
  /// The declared topics, then those looked up by name.
  private var topics: [String]
  private let epoch: Int
  private var transaction = Transaction.none
  private var queue: [Queued] = []
  private var delivered: [TopicPartition: Int64] = [:]
  private var acknowledged: [TopicPartition: Int64] = [:]
  private var unkeyed = 0

  init(
    _ brokers: MemoryLog.Brokers, _ process: SimulatedProcess,
    _ configuration: ProducerConfiguration, epoch: Int
  ) {
    self.brokers = brokers
    self.process = process
    self.configuration = configuration
    self.epoch = epoch
    topics = configuration.topics
  }

  private var transactionalID: String? {
    if case .transactional(let id) = configuration.delivery { id } else { nil }
  }

  // MARK: Records

  public func topic(named name: String) throws(LogError) -> (index: Int, partitions: Int32) {
    try process.checkAlive()
    guard let count = brokers.withState({ $0.topics[name]?.count }) else {
      throw LogError(.unknownTopic, "there is no topic \(name)", reaction: .stopDaemon)
    }
    if let known = topics.firstIndex(of: name) { return (known, Int32(count)) }
    topics.append(name)
    return (topics.count - 1, Int32(count))
  }

  public func send(
    topic: Int, partition: Int32?, key: RawSpan?, value: RawSpan?, headers: [RecordHeader],
    timestamp: Int64?, tracked: Bool
  ) throws(LogError) {
    let name = topics[topic]
    let keyBytes: [UInt8]? = if let key { Array(copying: key) } else { nil }
    let valueBytes: [UInt8]? = if let value { Array(copying: value) } else { nil }
    try process.perform(.send) { () throws(LogError) in
      try checkEpoch()
      if transactionalID != nil {
        guard case .open = transaction else {
          throw misuse("send without a transaction")
        }
      }
      let (count, now) = brokers.withState { ($0.topics[name]?.count ?? 0, $0.tick()) }
      let target = TopicPartition(name, partition ?? choosePartition(keyBytes, among: count))
      let record = MemoryRecord(
        offset: 0, key: keyBytes, value: valueBytes, headers: headers, timestamp: timestamp ?? now)
      queue.append(Queued(partition: target, record: record, isTracked: tracked))
      let waiting = Set(queue.map(\.partition)).sorted(by: TopicPartition.inOrder)
      let chosen = process.deliveries(of: waiting)
      try deliver { chosen.contains($0) }
    }
  }

  private func choosePartition(_ key: [UInt8]?, among count: Int) -> Int32 {
    guard count > 0 else { return 0 }
    if let key { return KeyPartitioner.partition(of: key, among: count) }
    unkeyed += 1
    return Int32(unkeyed % count)
  }

  private func deliver(_ isChosen: (TopicPartition) -> Bool) throws(LogError) {
    var number: Int?
    if case .open(let open) = transaction { number = open }
    let due = queue.filter { isChosen($0.partition) }
    queue.removeAll { isChosen($0.partition) }
    guard !due.isEmpty else { return }
    let offsets = try brokers.withState { [number] state throws(LogError) -> [Int64] in
      var offsets: [Int64] = []
      for queued in due {
        offsets.append(
          try state.append(queued.record, to: queued.partition, transaction: number))
      }
      return offsets
    }
    for (queued, offset) in zip(due, offsets) where queued.isTracked {
      delivered[queued.partition] = offset
    }
  }

  private func deliverAll() throws(LogError) {
    try deliver { _ in true }
    acknowledged = delivered
  }

  /// Delivers queued records one partition at a time, so that the process can die in between.
  private func deliverInTurn() throws(LogError) {
    while let next = process.nextDelivery(
      of: Set(queue.map(\.partition)).sorted(by: TopicPartition.inOrder))
    {
      try process.perform(.deliver) { () throws(LogError) in
        try checkEpoch()
        try deliver { $0 == next }
      }
    }
  }

  /// A failed delivery drops its record, as in librdkafka: flushing again sends nothing.
  public func flush(timeout: Duration) throws(LogError) {
    try deliverInTurn()
    do throws(LogError) {
      try process.perform(.flush) { () throws(LogError) in
        try checkEpoch()
        try deliverAll()
      }
    } catch {
      if error.reaction == .abortBatch { queue.removeAll() }
      throw error
    }
  }

  public func deliveredOffset(topic: Int, partition: Int32) -> Int64? {
    acknowledged[TopicPartition(topics[topic], partition)]
  }

  // MARK: Transactions

  public func beginTransaction() throws(LogError) {
    try process.perform(.beginTransaction) { () throws(LogError) in
      try checkEpoch()
      guard case .none = transaction, let id = transactionalID else {
        throw misuse("begin of a transaction inside another one")
      }
      transaction = .open(
        brokers.withState { state in
          state.writeMarkers()
          return state.beginTransaction(id)
        })
    }
  }

  public func commitTransaction(
    offsets: [TopicPartition: Int64], of consumer: MemoryConsumer, timeout: Duration
  ) throws(LogError) {
    try commit(consumer.groupCommit(offsets))
  }

  /// Commits the open transaction without offsets.
  public func commitTransaction() throws(LogError) {
    try commit(nil)
  }

  private func commit(_ offsets: GroupCommit?) throws(LogError) {
    if case .open = transaction { try deliverInTurn() }
    try process.perform(.commitTransaction) { () throws(LogError) in
      if case .committed = transaction { return }
      try checkEpoch()
      guard case .open = transaction, let id = transactionalID else {
        throw misuse("commit without a transaction")
      }
      try deliverAll()
      let writesMarkers = process.writesMarkers()
      try brokers.withState { state throws(LogError) in
        if let offsets { try state.check(offsets) }
        state.decideTransaction(id, isCommitted: true, offsets: offsets)
        if writesMarkers { state.writeMarkers() }
      }
      transaction = .committed
    }
    transaction = .none
  }

  public func abortTransaction(timeout: Duration) throws(LogError) {
    try process.perform(.abortTransaction) { () throws(LogError) in
      if case .none = transaction { return }
      try checkEpoch()
      guard case .open = transaction, let id = transactionalID else {
        throw LogError(
          .other, "a commit without an answer can't be taken back", reaction: .abandonPartition)
      }
      queue.removeAll()
      brokers.withState { state in
        state.decideTransaction(id, isCommitted: false, offsets: nil)
        state.writeMarkers()
      }
      transaction = .none
    }
  }

  public func close() {
    queue.removeAll()
  }

  private func checkEpoch() throws(LogError) {
    guard let id = transactionalID else { return }
    try brokers.withState { state throws(LogError) in try state.checkEpoch(id, epoch) }
  }

  private func misuse(_ what: String) -> LogError {
    LogError(.other, "\(what) (\(configuration.clientID))", reaction: .stopDaemon)
  }
}

extension Array where Element == UInt8 {
  /// The span's bytes.
  init(copying span: RawSpan) {
    self = span.withUnsafeBytes { [UInt8]($0) }
  }
}

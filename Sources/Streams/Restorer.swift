import EventLog
import Logging
import StateStore

/// What a restore has brought.
struct RestoredState {
  /// The input offset the state stands for; `nil` for an empty changelog.
  var inputOffset: Int64?
  /// Without transactions: the changes at the changelog's end that no position vouches for.
  var unfinished = WriteSet()
}

/// Brings a partition's store up to the end of its changelog.
struct Restorer<Log: EventLog, Store: StateStore> {
  let log: Log
  let configuration: StageConfiguration
  let monitor: StageMonitor
  let logger: Logger
  let stop: StopSignal
  let now: @Sendable () -> ContinuousClock.Instant

  /// Writes applied in one store transaction: bounds the memory of a restore of any length.
  private static var chunkRecords: Int { 100_000 }
  private static var chunkBytes: Int { 32 << 20 }

  /// - Throws: `.rebuildStore` when the store's changelog offset is not in the changelog.
  func restore(_ store: Store, partition: Int32, changelog topic: String)
    throws(StageError) -> RestoredState
  {
    let changelog = TopicPartition(topic, partition)
    let range = try offsets(of: changelog)
    let stored = try StageError.store { () throws(StoreError) in try store.changelogOffset() }
    if let stored, !(range.lowerBound...range.upperBound).contains(stored) {
      throw .failed(
        "the store of \(configuration.name) partition \(partition) stands at changelog offset"
          + " \(stored), but \(changelog) holds \(range.lowerBound) to \(range.upperBound)",
        .rebuildStore)
    }
    let reader = try makeReader(of: topic, readCommitted: true)
    defer { reader.close() }

    let start = stored ?? range.lowerBound
    var end = range.upperBound
    var unfinished = WriteSet()
    if configuration.guarantee == .atLeastOnce {
      end = try endOfLastBatch(reader, changelog, in: start..<end)
      try scan(reader, changelog, end..<range.upperBound) { Self.add($0, to: &unfinished) }
    }
    if start < end {
      try apply(reader, changelog, start..<end, to: store)
    }
    let snapshot = try StageError.store { () throws(StoreError) in try store.snapshot() }
    return RestoredState(inputOffset: try snapshot.inputOffset(), unfinished: unfinished)
  }

  /// The first offset and the one after the last record, committed or not. A restore that only
  /// reached the last stable offset would miss what was committed behind a transaction of somebody
  /// else that is still open, or whose markers are not written yet; so it reads on until that
  /// transaction is decided.
  private func offsets(of changelog: TopicPartition) throws(StageError) -> Range<Int64> {
    let reader = try makeReader(of: changelog.topic, readCommitted: false)
    defer { reader.close() }
    return try StageError.log { () throws(LogError) in try reader.offsets(of: changelog) }
  }

  private func makeReader(of topic: String, readCommitted: Bool)
    throws(StageError) -> Log.Consumer
  {
    try StageError.log { () throws(LogError) in
      try log.makeConsumer(
        ConsumerConfiguration(
          topics: [topic], group: nil, clientID: "\(configuration.clientID)-restore",
          readCommitted: readCommitted, fetchWait: .milliseconds(20)))
    }
  }

  private func apply(
    _ reader: Log.Consumer, _ changelog: TopicPartition, _ range: Range<Int64>, to store: Store
  ) throws(StageError) {
    var progress = RestoreProgress(changelog: changelog, range: range, started: now())
    var writes = WriteSet()
    try scan(reader, changelog, range) {
      Self.add($0, to: &writes)
    } after: { next throws(StageError) in
      if writes.count >= Self.chunkRecords || writes.byteCount >= Self.chunkBytes
        || next >= range.upperBound
      {
        try StageError.store { () throws(StoreError) in
          try store.commit(&writes, changelogOffset: next)
        }
        writes.removeAll()
      }
      progress.report(next, at: now(), monitor, logger)
    }
    progress.finish(at: now(), logger)
  }

  /// Hands every visible record of a range to `body`, and after each poll the offset reached to
  /// `after`.
  private func scan(
    _ reader: Log.Consumer, _ changelog: TopicPartition, _ range: Range<Int64>,
    _ body: (borrowing RecordView) -> Void,
    after: (_ next: Int64) throws(StageError) -> Void = { (_) throws(StageError) in }
  ) throws(StageError) {
    guard !range.isEmpty else { return }
    try StageError.log { () throws(LogError) in
      try reader.assign([(changelog, .at(range.lowerBound))])
    }
    var next = range.lowerBound
    while next < range.upperBound {
      guard !stop.isStopped else { throw .stopped }
      let result = try StageError.log { () throws(LogError) in
        try reader.poll(maxRecords: 10_000, timeout: .milliseconds(100)) { record in
          next = min(record.offset + 1, range.upperBound)
          guard record.offset < range.upperBound else { return false }
          body(record)
          return true
        }
      }
      // Compaction and transaction markers leave gaps, at the end too: the position, not the last
      // record, tells that the end is reached.
      if let end = result.ends[changelog] { next = min(max(next, end), range.upperBound) }
      try after(next)
    }
    try StageError.log { () throws(LogError) in try reader.unassign([changelog]) }
  }

  private static func add(_ record: borrowing RecordView, to writes: inout WriteSet) {
    guard let key = record.key, key.byteCount >= 1 else { return }
    let table = Table(rawValue: key.unsafeLoad(fromByteOffset: 0, as: UInt8.self))
    writes.set(table, key.extracting(1..<key.byteCount), record.value)
  }

  /// The offset after the last position record: what follows it belongs to a batch that a crash cut
  /// short, and will be produced again. Looks backwards in growing steps, since it is near the end.
  private func endOfLastBatch(
    _ reader: Log.Consumer, _ changelog: TopicPartition, in range: Range<Int64>
  ) throws(StageError) -> Int64 {
    var window: Int64 = 1_000
    while true {
      let start = max(range.lowerBound, range.upperBound - window)
      if let end = try lastPosition(reader, changelog, in: start..<range.upperBound) {
        return end
      }
      if start == range.lowerBound { return start }
      window *= 10
    }
  }

  private func lastPosition(
    _ reader: Log.Consumer, _ changelog: TopicPartition, in range: Range<Int64>
  ) throws(StageError) -> Int64? {
    var last: Int64?
    try scan(reader, changelog, range) { record in
      if Self.isPosition(record) { last = record.offset + 1 }
    }
    return last
  }

  private static func isPosition(_ record: borrowing RecordView) -> Bool {
    guard let key = record.key, key.byteCount == Position.key.count + 1 else { return false }
    guard key.unsafeLoad(fromByteOffset: 0, as: UInt8.self) == Table.meta.rawValue else {
      return false
    }
    return Array(copying: key.extracting(1..<key.byteCount)) == Position.key
  }
}

/// Tells how a restore gets on: at once in the monitor, every two seconds in the log.
private struct RestoreProgress {
  let changelog: TopicPartition
  let range: Range<Int64>
  let started: ContinuousClock.Instant
  var lastReport: ContinuousClock.Instant

  init(changelog: TopicPartition, range: Range<Int64>, started: ContinuousClock.Instant) {
    self.changelog = changelog
    self.range = range
    self.started = started
    lastReport = started
  }

  mutating func report(
    _ next: Int64, at now: ContinuousClock.Instant, _ monitor: StageMonitor, _ logger: Logger
  ) {
    let applied = next - range.lowerBound
    let total = Int64(range.count)
    monitor.update { $0.phase = .restoring(changelog, applied: applied, total: total) }
    guard now - lastReport >= .seconds(2) else { return }
    lastReport = now
    let rate = Double(applied) / (now - started).seconds
    logger.info(
      "restoring state",
      metadata: [
        "changelog": "\(changelog)", "percent": "\(100 * applied / max(1, total))",
        "records_per_second": "\(Int64(rate))",
        "seconds_left": "\(rate > 0 ? Int64(Double(total - applied) / rate) : 0)",
      ])
  }

  func finish(at now: ContinuousClock.Instant, _ logger: Logger) {
    logger.info(
      "state restored",
      metadata: [
        "changelog": "\(changelog)", "records": "\(range.count)",
        "milliseconds": "\(Int64((now - started).seconds * 1000))",
      ])
  }
}

extension Duration {
  var seconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) * 1e-18
  }
}

extension Array where Element == UInt8 {
  /// The span's bytes.
  init(copying span: RawSpan) {
    self = span.withUnsafeBytes { [UInt8]($0) }
  }
}

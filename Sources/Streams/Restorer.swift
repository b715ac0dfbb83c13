import EventLog
import Logging
import StateStore

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

  /// - Returns: the input offset the restored state stands for; `nil` for an empty changelog.
  /// - Throws: `.rebuildStore` when the store's changelog offset is not in the changelog.
  func restore(_ store: Store, partition: Int32, changelog topic: String)
    throws(StageError) -> Int64?
  {
    let changelog = TopicPartition(topic, partition)
    let reader = try StageError.log { () throws(LogError) in
      try log.makeConsumer(
        ConsumerConfiguration(
          topics: [topic], group: nil, clientID: "\(configuration.clientID)-restore",
          fetchWait: .milliseconds(20)))
    }
    defer { reader.close() }

    let stored = try StageError.store { () throws(StoreError) in try store.changelogOffset() }
    let range = try StageError.log { () throws(LogError) in try reader.offsets(of: changelog) }
    if let stored, !(range.lowerBound...range.upperBound).contains(stored) {
      throw .failed(
        "the store of \(configuration.name) partition \(partition) stands at changelog offset"
          + " \(stored), but \(changelog) holds \(range.lowerBound) to \(range.upperBound)",
        .rebuildStore)
    }
    let start = stored ?? range.lowerBound
    var end = range.upperBound
    if configuration.guarantee == .atLeastOnce {
      end = try endOfLastBatch(reader, changelog, in: start..<end)
    }
    if start < end {
      try apply(reader, changelog, start..<end, to: store)
    }
    return try StageError.store { () throws(StoreError) in try store.snapshot() }.inputOffset()
  }

  private func apply(
    _ reader: Log.Consumer, _ changelog: TopicPartition, _ range: Range<Int64>, to store: Store
  ) throws(StageError) {
    try StageError.log { () throws(LogError) in
      try reader.assign([(changelog, .at(range.lowerBound))])
    }
    var progress = RestoreProgress(changelog: changelog, range: range, started: now())
    var writes = WriteSet()
    var next = range.lowerBound
    while next < range.upperBound {
      guard !stop.isStopped else { throw .stopped }
      let result = try StageError.log { () throws(LogError) in
        try reader.poll(maxRecords: 10_000, timeout: .milliseconds(100)) { record in
          guard record.offset < range.upperBound else { return false }
          Self.add(record, to: &writes)
          next = record.offset + 1
          return true
        }
      }
      // Compaction and transaction markers leave gaps, at the end too: the position, not the last
      // record, tells that the end is reached.
      if let end = result.ends[changelog] { next = max(next, end) }
      if writes.count >= Self.chunkRecords || writes.byteCount >= Self.chunkBytes
        || next >= range.upperBound
      {
        let reached = min(next, range.upperBound)
        try StageError.store { () throws(StoreError) in
          try store.commit(&writes, changelogOffset: reached)
        }
        writes.removeAll()
      }
      progress.report(next, at: now(), monitor, logger)
    }
    progress.finish(at: now(), logger)
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
    guard !range.isEmpty else { return nil }
    try StageError.log { () throws(LogError) in
      try reader.assign([(changelog, .at(range.lowerBound))])
    }
    var last: Int64?
    var next = range.lowerBound
    while next < range.upperBound {
      guard !stop.isStopped else { throw .stopped }
      let result = try StageError.log { () throws(LogError) in
        try reader.poll(maxRecords: 10_000, timeout: .milliseconds(100)) { record in
          guard record.offset < range.upperBound else { return false }
          if Self.isPosition(record) { last = record.offset + 1 }
          next = record.offset + 1
          return true
        }
      }
      if let end = result.ends[changelog] { next = max(next, end) }
    }
    try StageError.log { () throws(LogError) in try reader.unassign([changelog]) }
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

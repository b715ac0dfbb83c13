import Console
import EventLog
import KafkaLog

/// A bare consumer that reads topics from their beginning to their present end.
struct ReadBack {
  private static let deadline = Duration.seconds(300)

  var records: [String: Int] = [:]
  /// Of their keys and values.
  var bytes: [String: Int] = [:]
  /// Until the last record.
  var seconds = 0.0
  /// Of this whole process, meanwhile.
  var cpuSeconds = 0.0

  var total: Int { records.values.reduce(0, +) }
  var totalBytes: Int { bytes.values.reduce(0, +) }

  /// - Parameter label: what is read, for the progress bar.
  init(_ topics: [String], _ bed: BenchBed, label: String) throws {
    var reader = try PartitionReader(
      bed.log, topics: topics, clientID: "projectionist-bench-reader", maxQueuedBytes: 64 << 20)
    let held = try bed.admin.offsets(of: bed.topics.partitions(of: topics))
    // Transactions' markers have offsets, too: there are a few records less.
    let offsets = held.values.reduce(0) { $0 + $1.count }
    var progress = ProgressBar(label, unit: "records", goal: .count(offsets))
    var read = 0
    var counts = [Int](repeating: 0, count: topics.count)
    var sizes = counts
    let start = ContinuousClock.now
    let cpu = ProcessUsage.ownCPUSeconds
    try reader.begin(
      held.map { PartitionCursor($0.key, from: .at($0.value.lowerBound), to: $0.value.upperBound) })
    while !reader.isFinished {
      let poll = try reader.poll(maxRecords: 100_000) { _, record in
        counts[record.topic] += 1
        sizes[record.topic] += (record.key?.byteCount ?? 0) + (record.value?.byteCount ?? 0)
        return true
      }
      if poll.records > 0 {
        seconds = (ContinuousClock.now - start) / .seconds(1)
        cpuSeconds = ProcessUsage.ownCPUSeconds - cpu
      }
      read += poll.records
      progress.refresh(read)
      try bed.check()
      guard ContinuousClock.now - start < Self.deadline else {
        throw CommandFailure(.unavailable, "topics can't be read to their end in time")
      }
    }
    progress.close(read)
    for (topic, count) in zip(topics, counts) { records[topic] = count }
    for (topic, size) in zip(topics, sizes) { bytes[topic] = size }
  }
}

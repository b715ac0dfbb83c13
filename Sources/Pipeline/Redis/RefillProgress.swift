import EventLog
import Logging

/// Says how far Redis is with what it lacks. A stage that starts where it stopped says nothing.
struct RefillProgress {
  private static let interval = Duration.seconds(2)

  /// The offsets that are still to be projected, by partition.
  private var open: [TopicPartition: Range<Int64>] = [:]
  private var total: Int64 = 0
  private var began: ContinuousClock.Instant?
  private var spoke: ContinuousClock.Instant?
  private let logger: Logger

  init(_ logger: Logger) {
    self.logger = logger
  }

  /// Notes partitions of which Redis lacks these offsets.
  mutating func begin(_ partitions: [TopicPartition: Range<Int64>], at now: ContinuousClock.Instant)
  {
    let partitions = partitions.filter { !$0.value.isEmpty }
    guard !partitions.isEmpty else { return }
    open.merge(partitions) { $1 }
    total = open.values.reduce(0) { $0 + Int64($1.count) }
    began = began ?? now
    spoke = now
    logger.notice(
      "filling Redis from the log",
      metadata: ["partitions": "\(open.count)", "offsets": "\(total)"])
  }

  /// Forgets partitions that another member fills.
  mutating func keep(_ partitions: [TopicPartition]) {
    open = open.filter { partitions.contains($0.key) }
    if open.isEmpty { began = nil }
  }

  /// Notes where the stage is.
  mutating func reach(
    _ position: (TopicPartition) -> Int64?, at now: ContinuousClock.Instant
  ) {
    guard let began, let spoke else { return }
    var left: Int64 = 0
    for (partition, range) in open {
      let next = position(partition) ?? range.lowerBound
      if next >= range.upperBound { open[partition] = nil } else { left += range.upperBound - next }
    }
    if open.isEmpty {
      self.began = nil
      logger.notice(
        "Redis is filled",
        metadata: [
          "offsets": "\(total)", "milliseconds": "\(Int((now - began) / .milliseconds(1)))",
        ]
      )
    } else if now - spoke >= Self.interval {
      self.spoke = now
      logger.info(
        "filling Redis from the log",
        metadata: [
          "percent": "\(total > 0 ? 100 * (total - min(total, left)) / total : 100)",
          "offsets_left": "\(left)",
        ])
    }
  }
}

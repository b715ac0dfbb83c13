public import EventLog

/// Whether records are left to read between an offset and a partition's end. Offsets alone don't
/// tell: a transaction's marker has one, and no record. Belongs to one thread.
public final class LogGap<Log: EventLog> {
  private let log: Log
  private let clientID: String

  public init(_ log: Log, clientID: String) {
    self.log = log
    self.clientID = clientID
  }

  /// Whether the partition has a visible record at these offsets.
  public func holdsRecords(_ partition: TopicPartition, _ range: Range<Int64>) throws(LogError)
    -> Bool
  {
    guard !range.isEmpty else { return false }
    let reader = try log.makeConsumer(
      ConsumerConfiguration(
        topics: [partition.topic], group: nil, clientID: clientID, fetchWait: .milliseconds(20)))
    defer { reader.close() }
    try reader.assign([(partition, .at(range.lowerBound))])
    while true {
      var isFound = false
      var isPassed = false
      let result = try reader.poll(maxRecords: 1, timeout: .milliseconds(100)) { record in
        if record.offset < range.upperBound { isFound = true } else { isPassed = true }
        return false
      }
      if isFound { return true }
      if isPassed { return false }
      if let end = result.ends[partition], end >= range.upperBound { return false }
    }
  }
}

public import EventLog

/// Tells whether any records lie between an offset and a partition's end. Offsets alone can't: a
/// transaction's marker takes one without being a record. Belongs to one thread.
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
    var reader = try PartitionReader(log, topics: [partition.topic], clientID: clientID)
    return try reader.holdsRecords(partition, range)
  }
}

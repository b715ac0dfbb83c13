import EventLog
import StateStore

/// How long a record is of use to a stage that answers those who wait.
public struct RecordExpiry: Sendable {
  public var age: Duration
  /// Milliseconds since 1970.
  public var time: @Sendable () -> Int64

  public init(age: Duration, time: @escaping @Sendable () -> Int64) {
    self.age = age
    self.time = time
  }

  /// The time of the oldest records that are of use.
  var oldest: Int64 { max(0, time() - Int64(age / .milliseconds(1))) }
}

extension StageEnvironment {
  /// The offset to read a partition from whose older records are of no use: where the group stands,
  /// if one of its members has put it there and the log has that offset, else at the first record
  /// that is young enough.
  ///
  /// - Parameter commit: where the group stands.
  func youngOffset(
    of source: TopicPartition, _ commit: GroupOffset?, _ expiry: RecordExpiry,
    for consumer: Log.Consumer
  ) throws(StageError) -> Int64 {
    let isOurs = GroupStanding(commit, own: nil, configuration).isOurs
    return try StageError.log { () throws(LogError) in
      // Asked before the time: a record that comes meanwhile is read.
      let held = try consumer.offsets(of: source)
      if isOurs, let committed = commit?.offset,
        MissingOffsets.of(from: committed, to: committed, in: held) == nil
      {
        return committed
      }
      let young = try consumer.offset(of: source, at: expiry.oldest)
      return young.map { max($0, held.lowerBound) } ?? held.upperBound
    }
  }
}

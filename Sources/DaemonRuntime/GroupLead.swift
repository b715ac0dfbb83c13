import EventLog
import Streams

/// Tells whether this instance is the one of its application that does something for all: the one
/// whom a consumer group gives the first partition of a topic. Belongs to one thread.
///
/// Nothing is read and nothing committed. When the instance goes, the group chooses another.
final class GroupLead<Log: EventLog> {
  private let consumer: Log.Consumer
  private let first: TopicPartition
  private(set) var isHeld = false

  init(_ log: Log, _ identity: StageIdentity, topic: String) throws(LogError) {
    first = TopicPartition(topic, 0)
    consumer = try log.makeConsumer(
      ConsumerConfiguration(
        topics: [topic], group: identity.group, instanceID: identity.member,
        clientID: identity.group))
  }

  deinit { consumer.close(leaving: false) }

  /// Answers the group, which forgets a member that does not ask for minutes.
  ///
  /// - Parameter timeout: how long to wait for news.
  /// - Returns: whether the lead is held.
  func renew(timeout: Duration = .zero) throws(LogError) -> Bool {
    let result = try consumer.pollRuns(maxRecords: 1_000, timeout: timeout) { _ in true }
    switch result.rebalance {
    case nil: break
    case .assigned(let partitions):
      try consumer.assign(partitions.map { ($0, .end) })
      if partitions.contains(first) { isHeld = true }
    case .revoked(let partitions), .lost(let partitions):
      if partitions.contains(first) { isHeld = false }
      try consumer.unassign(partitions)
    }
    return isHeld
  }
}

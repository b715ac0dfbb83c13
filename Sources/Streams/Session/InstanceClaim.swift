public import EventLog

/// Which of several processes with one instance name is the instance.
///
/// They are the same members of the stages' groups, and have the same transactional ids: the broker
/// keeps the one that came last. If each came back, they would replace each other for ever. So a
/// process puts a mark of its own into the log before its stages start. One that is replaced looks
/// there, and stops if it finds another's mark.
///
/// The mark is the metadata of a committed offset, in a group that has no members.
public struct InstanceClaim<Log: EventLog>: Sendable {
  private let log: Log
  private let identity: StageIdentity
  private let place: TopicPartition
  private let stages: [String]
  private let mark: String

  /// - Parameters:
  ///   - identity: whose member's name is that of the group that holds the claim.
  ///   - place: any partition, of which the group shows no lag if hardly anything is written to it.
  ///   - stages: that this process runs; others may run on another one of the same name.
  ///   - mark: tells this process from all others.
  public init(
    _ log: Log, _ identity: StageIdentity, place: TopicPartition, stages: [String], mark: UInt64
  ) {
    self.log = log
    self.identity = identity
    self.place = place
    self.stages = stages
    self.mark = String(mark, radix: 16)
  }

  /// Takes the name.
  public func take() throws(LogError) {
    let consumer = try makeConsumer()
    defer { consumer.close() }
    let end = try consumer.offsets(of: place).upperBound
    try consumer.commit([place: end], wait: true)
  }

  /// Why this process must stop; `nil` while the name is its own. A claim that has expired is
  /// nobody's.
  public func findRival() throws(LogError) -> Reason? {
    let consumer = try makeConsumer()
    defer { consumer.close() }
    guard let holder = try consumer.owners(of: [place])[place], isOther(holder) else { return nil }
    return Reason(
      .instanceInUse,
      "instance_in_use: a newer process has the same `instance`, \(identity.instance), and has taken"
        + " the place of this one, which stops. Give each process an `instance` of its own; one that"
        + " is not configured is kept in the state directory, in the file instance, which must not be"
        + " copied")
  }

  /// Whether another process has put this there that runs one of the same stages.
  private func isOther(_ holder: String) -> Bool {
    let parts = holder.split(separator: " ")
    guard parts.count == 2, parts[0] != mark else { return false }
    return parts[1].split(separator: ",").contains { stages.contains(String($0)) }
  }

  private func makeConsumer() throws(LogError) -> Log.Consumer {
    try log.makeConsumer(
      ConsumerConfiguration(
        topics: [place.topic], group: identity.member, isMember: false,
        instanceID: "\(mark) \(stages.joined(separator: ","))", clientID: "projectionist-claim"))
  }
}

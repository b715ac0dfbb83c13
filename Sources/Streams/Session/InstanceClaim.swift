public import EventLog

/// Which of several processes with one instance name is the instance, as far as one stage goes:
/// others may run on another process of the same name.
///
/// They are the same member of the stage's group, and have the same transactional id: the broker
/// keeps the one that came last. If each came back, they would replace each other for ever. So a
/// process puts a mark of its own into the log before the stage starts. One that is replaced looks
/// there, and stops if it finds another's mark.
///
/// The mark is the metadata of a committed offset, in a group that has no members. Each stage has
/// a group: one mark for several stages would be overwritten by a process that runs other ones.
public struct InstanceClaim<Log: EventLog>: Sendable {
  private let log: Log
  private let identity: StageIdentity
  private let place: TopicPartition
  private let mark: String

  /// - Parameters:
  ///   - identity: whose member's name is that of the group that holds the claim.
  ///   - place: any partition, of which the group shows no lag if hardly anything is written to it.
  ///   - mark: tells this process from all others.
  public init(
    _ log: Log, _ identity: StageIdentity, place: TopicPartition, mark: UInt64
  ) {
    self.log = log
    self.identity = identity
    self.place = place
    self.mark = String(mark, radix: 16)
  }

  /// Takes the name.
  public func take() throws(LogError) {
    let consumer = try makeConsumer()
    defer { consumer.close() }
    let end = try consumer.offsets(of: place).upperBound
    // librdkafka repeats a commit that comes before the group's coordinator is known, but only a
    // second later. A question waits for the coordinator.
    _ = try consumer.commits(of: [place])
    try consumer.commit([place: end], wait: true)
  }

  /// Why this process must stop; `nil` while the stage is its own. A claim that has expired is
  /// nobody's.
  public func findRival() throws(LogError) -> Reason? {
    let consumer = try makeConsumer()
    defer { consumer.close() }
    guard let holder = try consumer.owners(of: [place])[place], holder != mark else { return nil }
    return Reason(
      .instanceInUse,
      "instance_in_use: a newer process has the same `instance`, \(identity.instance), and has taken"
        + " the place of this one, which stops. Give each process an `instance` of its own; one that"
        + " is not configured is kept in the state directory, in the file instance, which must not be"
        + " copied")
  }

  private func makeConsumer() throws(LogError) -> Log.Consumer {
    try log.makeConsumer(
      ConsumerConfiguration(
        topics: [place.topic], group: identity.member, isMember: false,
        instanceID: mark, clientID: "projectionist-claim"))
  }
}

public import EventLog

/// Which of several processes with one instance name is the instance, as far as one stage goes:
/// others may run on another process of the same name.
///
/// They are the same member of the stage's group, and have the same transactional id: the broker
/// keeps the one that came last. If each came back, they would replace each other for ever. So a
/// process puts a mark of its own into the log before the stage starts. One that is replaced looks
/// there: if it finds a greater mark it stops, and if it finds a smaller one, it puts its own there
/// again and comes back, so that the other looks and stops. Marks grow with the time of the start,
/// and all stages of a process have the same: of two processes that start together, one stops in
/// every stage.
///
/// The mark is the metadata of a committed offset, in a group that has no members. Each stage has
/// a group: one mark for several stages would be overwritten by a process that runs other ones.
public struct InstanceClaim<Log: EventLog>: Sendable {
  private let log: Log
  private let identity: StageIdentity
  private let place: TopicPartition
  private let mark: UInt64

  /// - Parameters:
  ///   - identity: whose member's name is that of the group that holds the claim.
  ///   - place: any partition, of which the group shows no lag if hardly anything is written to it.
  ///   - mark: see `mark(startedAt:)`.
  public init(
    _ log: Log, _ identity: StageIdentity, place: TopicPartition, mark: UInt64
  ) {
    self.log = log
    self.identity = identity
    self.place = place
    self.mark = mark
  }

  /// Tells a process from all others; greater than those of processes that started earlier.
  ///
  /// - Parameter milliseconds: when it started, since 1970.
  public static func mark(startedAt milliseconds: Int64) -> UInt64 {
    UInt64(max(0, milliseconds)) << 22 | .random(in: 1..<1 << 22)
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

  /// Why this process must stop; `nil` if the stage is its own, which it says again to an older
  /// process. A claim that has expired is nobody's.
  public func findRival() throws(LogError) -> Reason? {
    guard let holder = try holder(), holder != mark else { return nil }
    guard holder > mark else {
      try take()
      return nil
    }
    return Reason(
      .instanceInUse,
      "instance_in_use: a newer process has the same `instance`, \(identity.instance), and has taken"
        + " the place of this one, which stops. Give each process an `instance` of its own; one that"
        + " is not configured is kept in the state directory, in the file instance, which must not be"
        + " copied")
  }

  /// The mark of whoever has claimed the stage last.
  private func holder() throws(LogError) -> UInt64? {
    let consumer = try makeConsumer()
    defer { consumer.close() }
    guard case .owned(let mark)? = try consumer.commits(of: [place])[place]?.stamp else {
      return nil
    }
    return UInt64(mark, radix: 16)
  }

  private func makeConsumer() throws(LogError) -> Log.Consumer {
    try log.makeConsumer(
      ConsumerConfiguration(
        topics: [place.topic], group: identity.member, isMember: false,
        instanceID: String(mark, radix: 16), clientID: "projectionist-claim"))
  }
}

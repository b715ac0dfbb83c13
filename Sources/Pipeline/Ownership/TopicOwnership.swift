import Codecs
public import EventLog
public import Streams

/// Reads and makes the claim on a prefix's topics. However many applications claim at the same
/// time, one of them gets the topics, and all of them learn which.
///
/// A claim is a compare-and-set on the control topic. All who claim share one transactional id,
/// named like that topic:
///
/// 1. Making a producer with the id fences every claimant before, and aborts or completes what it
///    has left open.
/// 2. The topic is read to its end, behind whatever intake stages have open there. Nobody but a
///    claimant that comes later can add a claim now.
/// 3. The claim is written and committed. If a claimant has come later, the commit fails: it reads
///    the topic after this, and so does the one that failed.
///
/// A topic with a claim is only read, so an ordinary start fences nobody.
///
/// The first claim also says how many partitions are used, which every later one leaves as it is.
/// So daemons that are configured with different numbers never place keys differently, not even
/// before there are any.
public struct TopicOwnership<Log: EventLog> {
  /// What became of an attempt to claim.
  public enum Outcome: Hashable, Sendable {
    /// The application had the topics before.
    case held(TopicClaim)
    /// It has them now.
    case claimed(TopicClaim, from: TopicClaim?)

    public var claim: TopicClaim {
      switch self {
      case .held(let claim), .claimed(let claim, _): claim
      }
    }
  }

  /// What of the claim in force another one may change.
  private struct Change {
    var owner: Bool
    var counts: Bool

    /// A claim as it is to be written.
    func settled(_ claim: TopicClaim, _ before: TopicClaim?) -> TopicClaim {
      guard let before, !counts || claim.counts.byGroup.isEmpty else { return claim }
      var settled = claim
      if !before.counts.byGroup.isEmpty { settled.counts = before.counts }
      return settled
    }
  }

  private enum Step {
    case decided(Outcome)
    /// Somebody else is claiming, or the answer to a commit was lost.
    case undecided(LogError)
  }

  private static var timeout: Duration { .seconds(10) }
  private static var firstPause: Duration { .milliseconds(50) }
  private static var longestPause: Duration { .seconds(1) }

  private let log: Log
  private let prefix: String
  /// The control topic's name, and the transactional id of all who claim.
  private let topic: String
  private let clientID: String

  /// - Parameter topology: one with a control topic.
  public init(_ log: Log, topology: Topology, clientID: String) {
    self.log = log
    prefix = topology.prefix
    topic = topology.control.map { topology[$0] } ?? ""
    self.clientID = clientID
  }

  // MARK: Reading

  /// Whose the topics are; `nil` for nobody's. Reads what is visible of the control topic.
  public func owner() throws(StageError) -> TopicClaim? { try owner(waits: false) }

  /// - Parameters:
  ///   - waits: whether to wait for open transactions, which hide claims behind them.
  ///   - replaces: whether what is no claim counts as none, because one takes its place.
  private func owner(waits: Bool, replaces: Bool = false) throws(StageError) -> TopicClaim? {
    var newest: [UInt8]?
    do throws(LogError) {
      try read(waits: waits) { newest = [UInt8]?(copying: $0.value) }
    } catch {
      throw .log(explained(error, "\(topic) can't be read"))
    }
    guard let newest else { return nil }
    do throws(RecordError) { return try TopicClaim(parsing: newest.span.bytes) } catch {
      let isOfOtherVersion = TopicClaim.isOfOtherFormat(newest.span.bytes)
      if replaces, !isOfOtherVersion { return nil }
      throw unreadable(error, isOfOtherVersion)
    }
  }

  /// Throws `topics_owned` when the topics belong to another application than this one.
  public func check(_ application: String) throws(StageError) {
    guard let owner = try owner(), owner.application != application else { return }
    throw .failed(refusal(of: application, owner), .stopDaemon)
  }

  /// Passes each record of the claim to `body`; one without a value makes the topics nobody's
  /// again.
  private func read(waits: Bool, _ body: (borrowing RecordView) -> Void) throws(LogError) {
    let place = TopicPartition(topic, 0)
    let name = Array(TopicClaim.key.utf8)
    var reader = try PartitionReader(log, topics: [topic], clientID: clientID)
    let held = try waits ? allOffsets(of: place) : reader.consumer.offsets(of: place)
    guard !held.isEmpty else { return }
    try reader.begin([PartitionCursor(place, from: .beginning, to: held.upperBound)])
    try reader.readToEnd(patience: Self.timeout) { _, record in
      if [UInt8]?(copying: record.key) == name { body(record) }
      return true
    }
  }

  /// With what is not visible yet.
  private func allOffsets(of place: TopicPartition) throws(LogError) -> Range<Int64> {
    let consumer = try log.makeConsumer(
      ConsumerConfiguration(
        topics: [topic], group: nil, clientID: clientID, readCommitted: false))
    defer { consumer.close() }
    return try consumer.offsets(of: place)
  }

  // MARK: Claiming

  /// Makes sure that the topics belong to a claim's application.
  ///
  /// - Parameters:
  ///   - takesOver: whether to claim them even if they belong to another.
  ///   - recounts: whether the claim's counts take the place of those in force. Nobody may be at
  ///     work, and no key be placed otherwise.
  ///   - patience: how long others that claim at the same time, and a log that does not answer,
  ///     may keep it waiting.
  ///   - pause: waits so long, and throws when it is to stop.
  /// - Throws: `topics_owned` when they belong to another application.
  public func claim(
    _ claim: TopicClaim, takesOver: Bool = false, recounts: Bool = false,
    patience: Duration = .seconds(60), pause: (Duration) throws(StageError) -> Void
  ) throws(StageError) -> Outcome {
    var (waited, next) = (Duration.zero, Self.firstPause)
    while true {
      switch try attempt(claim, Change(owner: takesOver, counts: recounts)) {
      case .decided(let outcome): return outcome
      case .undecided(let error):
        guard waited < patience else { throw .log(error) }
        try pause(next)
        waited += next
        next = min(next * 2, Self.longestPause)
      }
    }
  }

  /// What follows from the claim in force; `nil` when another must be made.
  private func decide(_ claim: TopicClaim, _ owner: TopicClaim?, _ change: Change)
    throws(StageError) -> Outcome?
  {
    guard let owner else { return nil }
    if owner.application == claim.application {
      let counts = change.settled(claim, owner).counts
      return counts == owner.counts ? .held(owner) : nil
    }
    if change.owner { return nil }
    throw .failed(refusal(of: claim.application, owner), .stopDaemon)
  }

  private func attempt(_ claim: TopicClaim, _ change: Change) throws(StageError) -> Step {
    do throws(StageError) {
      if let outcome = try decide(claim, try owner(waits: false, replaces: change.owner), change) {
        return .decided(outcome)
      }
      let producer = try makeProducer()
      defer { producer.close() }
      let before = try owner(waits: true, replaces: change.owner)
      if let outcome = try decide(claim, before, change) { return .decided(outcome) }
      let claim = change.settled(claim, before)
      try write(claim, producer)
      return .decided(.claimed(claim, from: before))
    } catch {
      // Only the log can tell what has become of a failed attempt.
      guard case .log(let failure) = error, failure.reaction != .stopDaemon,
        failure.code != .unknownTopic
      else { throw error }
      return .undecided(failure)
    }
  }

  private func makeProducer() throws(StageError) -> Log.Producer {
    do throws(LogError) {
      return try log.makeProducer(
        ProducerConfiguration(
          topics: [topic], delivery: .transactional(id: topic), clientID: clientID))
    } catch {
      throw .log(unclaimed(error))
    }
  }

  private func write(_ claim: TopicClaim, _ producer: Log.Producer) throws(StageError) {
    do throws(LogError) { try commit(claim, producer) } catch { throw .log(unclaimed(error)) }
  }

  private func commit(_ claim: TopicClaim, _ producer: Log.Producer) throws(LogError) {
    // A commit needs a consumer for its offsets, although there are none here.
    let consumer = try log.makeConsumer(
      ConsumerConfiguration(topics: [topic], group: nil, clientID: clientID))
    defer { consumer.close() }
    var value = JSONWriter()
    claim.write(to: &value)
    let key = Array(TopicClaim.key.utf8)
    try producer.beginTransaction()
    do throws(LogError) {
      try producer.send(topic: 0, partition: 0, key: key.span.bytes, value: value.bytes)
      try producer.commitTransaction(offsets: [:], of: consumer, timeout: Self.timeout)
    } catch {
      // The next claimant settles what this one leaves open.
      try? producer.abortTransaction(timeout: Self.timeout)
      throw error
    }
  }

  // MARK: Failures

  private func unclaimed(_ error: LogError) -> LogError {
    explained(
      error, "the topics can't be claimed, which takes a transaction with an id of \(topic)")
  }

  private func unreadable(_ error: RecordError, _ isOfOtherVersion: Bool) -> StageError {
    let wayOut =
      isOfOtherVersion
      ? "A newer version of the program has written it: use that"
      : "It is no claim: `projectionist topics claim --take-over` puts one of this application in its"
        + " place"
    let text = "the claim on \(topic) can't be read: \(error.message). \(wayOut)"
    return .failed(Reason(.unknownFormat, text), .stopDaemon)
  }

  private func explained(_ error: LogError, _ what: String) -> LogError {
    let explained = LogError(error.code, "\(what): \(error.message)", reaction: error.reaction)
    guard let advice = error.advice else { return explained }
    return explained.advised(advice)
  }

  private func refusal(of application: String, _ owner: TopicClaim) -> Reason {
    let topics = prefix.isEmpty ? "the topics without a prefix" : "the topics of \(prefix)"
    return Reason(
      .topicsOwned,
      "topics_owned: \(topics) belong to the application \(owner.application), not to"
        + " \(application): set topics.prefix, which gives \(application) topics of its own, or take"
        + " these over for good with `projectionist topics claim --take-over`")
  }
}

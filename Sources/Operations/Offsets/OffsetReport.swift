package import EventLog
package import Streams

/// Where a stage's group stands in a partition, who has set that, and where the stage stood.
package struct OffsetReport: Hashable, Sendable {
  package enum Setter: String, Hashable, Sendable {
    case nobody, stage, accepted
    case somebodyElse = "somebody else"
  }

  package let source: TopicPartition
  package let committed: Int64?
  package let setter: Setter
  /// Where the stage itself has recorded that it stands; `nil` where it has not, or keeps that in
  /// its state.
  package let own: Int64?
  /// What the partition has.
  package let held: Range<Int64>
  /// Why the partition is not the one that the stage has read; `nil` if it is. Whoever accepts an
  /// offset accepts the topic that it is of.
  package let loss: String?
  /// Whether the stage has recorded a position.
  let hasRecord: Bool

  package init(
    source: TopicPartition, committed: GroupOffset?, own: Int64?, held: Range<Int64>,
    loss: String? = nil, hasRecord: Bool = false, identity: StageIdentity
  ) {
    self.hasRecord = hasRecord
    self.source = source
    self.committed = committed?.offset
    self.own = own
    self.held = held
    setter =
      switch committed?.stamp {
      case nil where committed == nil: .nobody
      case .accepted?: .accepted
      case .owned(let name)? where identity.isMember(name): .stage
      case .released(let name)? where identity.isMember(name): .stage
      case nil, .owned?, .released?: .somebodyElse
      }
    self.loss = setter == .accepted ? nil : loss
  }

  package var topic: String { source.topic }
  package var partition: Int32 { source.partition }

  // MARK: What can be done about it

  /// Where the stage goes on if what is there is accepted; `nil` if there is nothing to accept.
  package var accepted: Int64? {
    if loss != nil { return held.lowerBound }
    // One that somebody has set too far skips all there is.
    if isForeign, let committed, committed > held.upperBound { return held.upperBound }
    guard isInLog else { return held.lowerBound }
    return isForeign ? committed : nil
  }

  /// Whether the stage does not start from here before somebody decides.
  var stopsStage: Bool { loss != nil || !isInLog || status == "ahead" }

  /// Whether the log has what the stage would go on with.
  private var isInLog: Bool {
    guard let position = committed ?? own else { return true }
    return MissingOffsets.of(from: position, to: position, in: held) == nil
  }

  /// Whether the stage has read anything of it, or somebody has accepted that it begins further on.
  /// What others set says nothing about that.
  var isRead: Bool {
    setter == .stage || setter == .accepted || hasRecord
  }

  /// Whether what somebody else has set can be undone.
  package var isForeign: Bool { setter == .somebodyElse && committed != own }

  /// What there is to say, in a word or two.
  package var status: String {
    if loss != nil { return "another topic" }
    guard isInLog else { return "not in the log" }
    guard isForeign else { return "ok" }
    guard let own, let committed else { return "set by somebody else" }
    return committed > own ? "ahead" : "behind"
  }
}

import Synchronization

/// Asks a stage to leave its group and to join it again. From any thread, as often as it takes.
///
/// A static member that comes back within its session gets what it had, and the group no leader
/// that looks at the topics: partitions that were added, or that it gave up in a rebalance that it
/// did not live to finish, are then nobody's until a member comes or goes. And a member whose
/// topics were gone for a while leaves its group without a word.
public final class RejoinRequest: Sendable {
  private let isMade = Atomic(false)

  public init() {}

  public func make() { isMade.store(true, ordering: .releasing) }

  func take() -> Bool { isMade.exchange(false, ordering: .acquiringAndReleasing) }
}

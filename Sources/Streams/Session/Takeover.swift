import EventLog

/// How members with transactions hand over partitions: each puts its name on those it owns, in the
/// metadata of their committed offsets.
struct Takeover {
  private let identity: StageIdentity

  /// - Returns: `nil` for a stage that never leaves a transaction open.
  init?(_ configuration: StageConfiguration, _ strategy: any DeliveryStrategy) {
    guard strategy.leavesTransactions, !configuration.producedTopics.isEmpty,
      configuration.followed == nil
    else { return nil }
    identity = configuration.identity
  }

  /// The members whose transactions must be aborted before these partitions are read. A member that
  /// gave a partition up cleanly has removed its name, so any other name on it is that of a
  /// dead member, or of a paused one that finds out when it resumes.
  func predecessors(_ owners: [TopicPartition: String]) -> [String] {
    // Offsets that were set by hand may have other metadata.
    Set(owners.values).filter { $0 != identity.member && identity.isMember($0) }.sorted()
  }
}

import EventLog

/// How members of a group that use transactions hand partitions over: each puts its name on those
/// it owns, with their committed offsets.
struct Takeover {
  private let group: String
  private let instanceID: String

  /// - Returns: `nil` for a stage that can leave no transaction open.
  init?(_ configuration: StageConfiguration, _ strategy: any DeliveryStrategy) {
    guard strategy.leavesTransactions, !configuration.producedTopics.isEmpty,
      configuration.followed == nil
    else { return nil }
    group = configuration.group
    instanceID = configuration.instanceID
  }

  /// The members whose transactions must be aborted before their partitions are read, by the names
  /// found on the partitions. A member that gave a partition up in good order has taken its name
  /// off: those found are dead, or stand still and find out when they go on.
  func predecessors(_ owners: [TopicPartition: String]) -> [String] {
    // Offsets have other metadata where somebody has set them by hand.
    Set(owners.values).filter { $0 != instanceID && $0.hasPrefix("\(group)-") }.sorted()
  }
}

/// How many partitions each group of a deployment's topics uses.
///
/// State lives in the partition that its key was placed in when it was written. So keys are placed
/// by these numbers for as long as the state lives: of a topic that has more partitions only the
/// first ones are used.
public struct PartitionCounts: Hashable, Sendable {
  /// By the group's name; see `TopicDeclaration.Partitions`.
  public var byGroup: [String: Int32]

  public init(_ byGroup: [String: Int32] = [:]) {
    self.byGroup = byGroup
  }

  /// How many partitions of a topic are used; `nil` for all there are.
  public func count(of topic: TopicDeclaration) -> Int32? {
    guard !topic.acceptsAnyPartitionCount, case .group(let name) = topic.partitions else {
      return nil
    }
    return byGroup[name]
  }
}

public import RedisProjection

/// Whose rows the redis stage writes.
public struct ProjectionIdentity: Sendable {
  public var projection: FeastProjection
  public var owner: ProjectionRecord.Owner
  /// The least epoch to write under.
  public var generation: UInt64

  /// - Parameters:
  ///   - cluster: the id of the cluster that holds the log.
  ///   - generation: `redis.generation`.
  public init(
    projection: FeastProjection, application: String, cluster: String, generation: UInt64
  ) {
    self.projection = projection
    owner = ProjectionRecord.Owner(application: application, cluster: cluster)
    self.generation = generation
  }

  /// A record that follows another one, or none: everything is written again.
  ///
  /// - Parameter newest: the newest generation of any row's fence; `nil` for none.
  public func record(after known: ProjectionRecord?, newest: UInt64? = nil) -> ProjectionRecord {
    let before = max(known?.epoch ?? 0, newest ?? 0)
    return ProjectionRecord(
      owner: owner, epoch: max(generation, before == .max ? .max : before + 1),
      hasLeftovers: true)
  }
}

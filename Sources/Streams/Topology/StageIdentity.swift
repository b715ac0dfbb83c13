/// The names by which the broker knows a stage's instance, the same after a restart.
///
/// Names of applications, stages and prefixes have no dot, so that the dots in front of a
/// generation and a worker make every combination of them distinct. Instances may have dots; they
/// come last.
public struct StageIdentity: Hashable, Sendable {
  /// The consumer group: `<prefix>.<application>-<stage>.g<generation>`
  public let group: String
  /// Tells the application's processes apart.
  public let instance: String
  /// Tells the instance's threads that run the stage apart; `nil` for the only one.
  public var worker: Int?

  /// - Parameters:
  ///   - prefix: empty for none.
  ///   - generation: 0 is not named.
  public init(
    application: String, prefix: String = "", generation: Int = 0, stage: String, instance: String,
    worker: Int? = nil
  ) {
    group = DeploymentName.with(
      prefix: prefix, "\(application)-\(stage)", generation: generation)
    self.instance = instance
    self.worker = worker
  }

  /// The transactional, client and group instance id: `<group>.w<worker>-<instance>`. With it, a
  /// restarted instance fences its predecessor and settles its open transaction at once, instead of
  /// waiting for its timeout.
  public var member: String { group + (worker.map { ".w\($0)" } ?? "") + "-\(instance)" }

  /// Whether an id is that of a member of the group, as far as its form tells.
  public func isMember(_ id: String) -> Bool {
    id.hasPrefix("\(group)-") || id.hasPrefix("\(group).w")
  }

  /// Whether an id is that of a member of this instance, whichever of its threads.
  public func isOwn(_ id: String) -> Bool {
    id == "\(group)-\(instance)"
      || (id.hasPrefix("\(group).w")
        && id.dropFirst(group.count + 2).drop(while: \.isNumber)
          == "-\(instance)")
  }
}

/// How a name tells its deployment from others on the same cluster.
enum DeploymentName {
  static func with(prefix: String, _ name: String, generation: Int) -> String {
    (prefix.isEmpty ? "" : "\(prefix).") + name + (generation == 0 ? "" : ".g\(generation)")
  }
}

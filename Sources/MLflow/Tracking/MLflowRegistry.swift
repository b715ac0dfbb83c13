/// What MLflow has registered of an application's model.
struct MLflowRegistry: Hashable, Sendable {
  struct Version: Hashable, Sendable {
    /// MLflow's own, rising.
    var number: Int64
    var isReady: Bool
    var tags: [String: String]
  }

  /// By the model's version on the log.
  private(set) var versions: [String: Version] = [:]
  /// Later versions of the same models: two senders met, or an answer was lost.
  private(set) var duplicates: [Int64] = []
  /// MLflow's version by alias.
  var aliases: [String: Int64]

  /// - Parameters:
  ///   - found: all versions of the registered model; those of others are left alone.
  ///   - hasAliases: whether the server has any; otherwise tags stand for them.
  init(
    _ found: [MLflowReplies.ModelVersion], application: String, aliases: [String: Int64],
    hasAliases: Bool
  ) {
    self.aliases = aliases
    for reply in found.sorted(by: { $0.version.value < $1.version.value }) {
      var tags: [String: String] = [:]
      for tag in reply.tags ?? [] { tags[tag.key] = tag.value ?? "" }
      let number = reply.version.value
      if !hasAliases {
        for key in tags.keys where key.hasPrefix(MLflowTag.alias) {
          self.aliases[String(key.dropFirst(MLflowTag.alias.count))] = number
        }
      }
      guard tags[MLflowTag.application] == application, let version = tags[MLflowTag.version],
        reply.status != "FAILED_REGISTRATION"
      else { continue }
      guard versions[version] == nil else {
        duplicates.append(number)
        continue
      }
      versions[version] = Version(
        number: number, isReady: reply.status == nil || reply.status == "READY", tags: tags)
    }
  }
}

public import Streams

extension Topology {
  /// The product's stages. A new one is one line here, or `adding(_:)`.
  public static let product: [StageDeclaration] = [.intake, .user, .movie, .redis, .predict]

  /// The product as one deployment runs it.
  ///
  /// - Parameters:
  ///   - application: prefixes groups, changelogs, ids and the state directory.
  ///   - prefix: of topics and everything else; empty for none.
  ///   - generation: how often the log was projected from its beginning before.
  public init(application: String, prefix: String = "", generation: Int = 0) {
    self.init(
      Self.product, application: application, prefix: prefix, generation: generation,
      control: .control)
  }

  /// What makes a stage compute its state and its outputs once more: what one of them has lost
  /// comes back, and what the stages behind it know already changes nothing.
  public func recomputation(of stage: StageDeclaration) -> String {
    let changelog = self.changelog(of: stage).map { "the topic \($0) and " } ?? ""
    return
      "stop every instance, delete \(changelog)the \(stage.name) stage's stores, run"
      + " `projectionist topics apply` and, once the session timeout has passed, reset the group"
      + " \(group(of: stage)) to the earliest offsets with kafka-consumer-groups"
  }
}

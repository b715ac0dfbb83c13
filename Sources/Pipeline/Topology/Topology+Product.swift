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
}

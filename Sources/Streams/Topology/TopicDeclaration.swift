/// A topic by its logical name: what the declarations of stages refer to.
///
/// `Topology` gives the physical name, which depends on the deployment's prefix and generation.
public struct TopicDeclaration: Hashable, Sendable {
  /// Which deployments share the topic.
  /// The raw values are those of `projectionist topology --json`.
  public enum Scope: String, Hashable, Sendable {
    /// All generations: what comes from outside, and what is addressed to it. `<prefix>.<name>`
    case shared = "shared"
    /// One generation: what its stages write for each other. `<prefix>.<name>.g<generation>`
    case generation = "generation"
    /// One application and generation: a stage's changelog, or its positions.
    /// `<prefix>.<application>-<name>.g<generation>`
    case changelog = "changelog"
  }

  public enum Partitions: Hashable, Sendable {
    /// As many as every topic of this group. Stages that read several of them, or follow each
    /// other, find the same keys in the same partition.
    case group(String)
    case fixed(Int)
  }

  /// Lower-case letters, digits and hyphens.
  public let name: String
  public let scope: Scope
  public let partitions: Partitions
  /// Whether the topic works with any other number of partitions as well.
  public let acceptsAnyPartitionCount: Bool
  /// Who writes it besides the stages, in words: `users`.
  public let outsideWriters: [String]

  public init(
    _ name: String, _ scope: Scope = .generation, partitions: Partitions,
    acceptsAnyPartitionCount: Bool = false, outsideWriters: [String] = []
  ) {
    precondition(
      !name.isEmpty
        && name.utf8.allSatisfy { byte in
          (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
        }, "a topic's logical name has letters, digits and hyphens")
    self.name = name
    self.scope = scope
    self.partitions = partitions
    self.acceptsAnyPartitionCount = acceptsAnyPartitionCount
    self.outsideWriters = outsideWriters
  }
}

/// A right that a client needs, as Kafka's access control lists have it.
public struct AccessRight: Hashable, Sendable {
  public enum Resource: Hashable, Sendable {
    case topic(String)
    case group(String)
    case transactionalID(String)
    case cluster
  }

  public var resource: Resource
  /// By Kafka's names: `Read`, `Write`, `Describe`, `DescribeConfigs`, `Create`.
  public var operations: [String]
  /// Whether the resource's name is the beginning of those that are meant.
  public var isPrefix: Bool

  public init(_ operations: [String], on resource: Resource, isPrefix: Bool = false) {
    self.resource = resource
    self.operations = operations
    self.isPrefix = isPrefix
  }

  /// What it is about, in words: `the topic movies`.
  public var subject: String {
    switch resource {
    case .topic(let name): "the topic \(name)"
    case .group(let name): "the group \(name)"
    case .transactionalID(let name): "the transactional id \(name)"
    case .cluster: "the cluster"
    }
  }

  /// What is to be granted, in words: `Read on the group a-user`.
  public var text: String { "\(operations.joined(separator: " and ")) on \(subject)" }

  /// The command of Kafka's own tools that grants it.
  ///
  /// - Parameter principal: `User:pj`.
  public func command(principal: String, _ tools: KafkaTools) -> String {
    var words = [tools.command("kafka-acls"), "--add"]
    words += ["--allow-principal", Self.quoted(principal)]
    for operation in operations { words += ["--operation", operation] }
    switch resource {
    case .topic(let name): words += ["--topic", Self.quoted(name)]
    case .group(let name): words += ["--group", Self.quoted(name)]
    case .transactionalID(let name): words += ["--transactional-id", Self.quoted(name)]
    case .cluster: words.append("--cluster")
    }
    if isPrefix { words += ["--resource-pattern-type", "prefixed"] }
    return words.joined(separator: " ")
  }

  /// As a shell takes it for one word.
  private static func quoted(_ word: String) -> String {
    let isPlain = word.utf8.allSatisfy {
      switch $0 {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: ":"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "@"), UInt8(ascii: "/"),
        UInt8(ascii: ","):
        true
      default: false
      }
    }
    return isPlain ? word : "'\(word)'"
  }
}

extension KafkaSettings {
  /// Who this client is to the cluster, as far as the settings say.
  public var principal: String {
    if let name = properties["sasl.username"], !name.isEmpty { return "User:\(name)" }
    return "User:NAME"
  }

  /// The command that grants a right to this client.
  public func command(granting right: AccessRight) -> String {
    right.command(principal: principal, tools)
  }
}

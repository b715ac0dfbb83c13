/// How Kafka's own command line tools reach a cluster, for the commands that messages print.
public struct KafkaTools: Hashable, Sendable {
  /// The file that a secured cluster's commands name: the connection of somebody who may do what
  /// they do.
  public static let configurationFile = "admin.properties"

  /// The options that every administrative tool takes.
  public let options: String

  public init(_ bootstrapServers: String, isSecured: Bool = false) {
    options =
      "--bootstrap-server \(bootstrapServers)"
      + (isSecured ? " --command-config \(Self.configurationFile)" : "")
  }

  /// The beginning of a command.
  ///
  /// - Parameter tool: `kafka-topics`.
  public func command(_ tool: String) -> String { "\(tool).sh \(options)" }
}

extension KafkaSettings {
  /// Kafka's own tools, told as far as possible what these settings tell librdkafka.
  public var tools: KafkaTools {
    let spoken = properties["security.protocol"]?.lowercased() ?? "plaintext"
    return KafkaTools(bootstrapServers, isSecured: spoken != "plaintext")
  }
}

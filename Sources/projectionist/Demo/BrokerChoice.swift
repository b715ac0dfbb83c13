/// Which Kafka the demo runs on.
enum BrokerChoice: Hashable {
  /// The one the configuration names; the demo leaves it running.
  case configured
  /// A node of its own, from the Apache Kafka in this directory.
  case apacheKafka(home: String)
  /// `projectionist broker`.
  case embedded

  static let homeVariable = "KAFKA_HOME"
  private static let defaultHome = "/opt/kafka"

  /// - Parameters:
  ///   - wantsEmbedded: whether the user asked for the embedded broker.
  ///   - isConfigured: whether the configuration names a broker.
  ///   - isExecutable: whether there is an executable file at a path.
  init(
    wantsEmbedded: Bool, isConfigured: Bool, environment: [String: String],
    isExecutable: (String) -> Bool
  ) {
    let home = environment[Self.homeVariable] ?? Self.defaultHome
    let hasKafka = KafkaNode.scripts.allSatisfy { isExecutable("\(home)/bin/\($0)") }
    self =
      if wantsEmbedded {
        .embedded
      } else if isConfigured {
        .configured
      } else if !home.isEmpty, hasKafka, Self.hasJava(environment, isExecutable) {
        .apacheKafka(home: home)
      } else {
        .embedded
      }
  }

  /// Whether Kafka's scripts will find a Java: they look where this does.
  private static func hasJava(_ environment: [String: String], _ isExecutable: (String) -> Bool)
    -> Bool
  {
    if let home = environment["JAVA_HOME"], !home.isEmpty {
      return isExecutable("\(home)/bin/java")
    }
    return (environment["PATH"] ?? "").split(separator: ":").contains { isExecutable("\($0)/java") }
  }
}

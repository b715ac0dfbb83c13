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
    let home = Self.home(in: environment)
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

  /// Where Apache Kafka is, if it is anywhere.
  private static func home(in environment: [String: String]) -> String {
    environment[homeVariable] ?? defaultHome
  }

  /// Kafka's own tools for a broker that is running: those of the Apache Kafka here, if there is
  /// one.
  static func javaTools(environment: [String: String], isExecutable: (String) -> Bool)
    -> PasteLines.JavaTools
  {
    let directory = "\(home(in: environment))/bin"
    let isThere = PasteLines.JavaTools.scripts.allSatisfy { isExecutable("\(directory)/\($0)") }
    return PasteLines.JavaTools(directory: isThere ? directory : nil)
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

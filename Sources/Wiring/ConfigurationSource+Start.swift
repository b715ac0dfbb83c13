import Codecs
package import Configuration
import KafkaLog
package import Logging

extension ConfigurationSource {
  /// The settings in force. librdkafka takes each of its properties.
  package func loadChecked() throws(ConfigurationError) -> LoadedSettings {
    let loaded = try load()
    var problems = loaded.settings.kafka.sorted { $0.key < $1.key }.compactMap { name, value in
      KafkaProperties.fault(of: name, value).map { fault in
        let key = "kafka.\(name)"
        let place = loaded.origins[key].map { "\($0): " } ?? ""
        return "\(place)\(key) \(Self.sentence(fault, name, value))"
      }
    }
    let spoken = loaded.settings.kafka["security.protocol"]
    let servers = loaded.settings.bootstrapServers
    if problems.isEmpty, let named = KafkaProperties.otherProtocol(in: servers, than: spoken) {
      let place = loaded.origins["kafka.bootstrap.servers"].map { "\($0): " } ?? ""
      problems.append(
        "\(place)kafka.bootstrap.servers names \(named), and kafka.security.protocol is"
          + " \((spoken ?? "PLAINTEXT").uppercased()): set that to \(named)")
    }
    guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
    return loaded
  }

  private static func sentence(_ fault: KafkaProperties.Fault, _ name: String, _ value: String)
    -> String
  {
    switch fault {
    case .unknown:
      let nearest = KafkaProperties.names.min { editDistance($0, name) < editDistance($1, name) }
      return "is no property of librdkafka; the nearest known one is kafka.\(nearest ?? "")"
    case .noAddress(let entry):
      return
        "is \"\(value)\"; expected host:port, several separated by commas, and \"\(entry)\" is none"
    case .reserved: return "can't be changed: exactly-once depends on it"
    case .name: return "can't be changed: it follows from `instance`, which names this process"
    case .invalid(let message):
      return SettingsRendering.isSecret(name)
        ? "is not valid" : "is \"\(value)\"; librdkafka says: \(message)"
    }
  }

  /// The settings in force, and a logger made by them, in which what was ignored is logged.
  package func start(_ label: String) throws(ConfigurationError) -> (
    settings: Settings, logger: Logger
  ) {
    let loaded = try loadChecked()
    return (loaded.settings, loaded.makeLogger(label))
  }
}

extension LoadedSettings {
  /// A logger made by these settings, in which what was ignored is logged.
  package func makeLogger(_ label: String) -> Logger {
    let logger = settings.log.makeLogger(label)
    for warning in warnings { logger.warning("\(warning)") }
    return logger
  }
}

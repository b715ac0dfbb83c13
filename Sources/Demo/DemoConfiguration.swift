import Configuration
import Foundation

/// The configuration that the demo's processes share, as a file.
enum DemoConfiguration {
  /// In the demo's directory.
  static let fileName = "projectionist.yaml"

  /// The settings that differ from the defaults, as YAML, secrets included.
  static func text(_ settings: Settings) throws -> String {
    let defaults = Settings()
    var lines: [String] = []
    for key in SettingKey.all {
      let value = key.read(settings)
      if value != key.read(defaults) { lines.append("\(key.path): \(try scalar(value))") }
    }
    for (property, value) in settings.kafka.sorted(by: { $0.key < $1.key })
    where property != "bootstrap.servers" {
      lines.append("kafka.\(property): \(try scalar(.text(value)))")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// librdkafka's properties as kcat reads them from a file, secrets included; the brokers stand on
  /// its command line.
  static func kcatText(_ properties: [String: String]) -> String {
    properties.sorted { $0.key < $1.key }.map { "\($0)=\($1)\n" }.joined()
  }

  /// The variables of an environment that would stand over the file.
  static func overridingVariables(in environment: [String: String]) -> Set<String> {
    let known = Set(SettingKey.all.flatMap(\.environment))
    return Set(environment.keys).filter {
      known.contains($0) || $0.hasPrefix(SettingKey.environmentPrefix)
    }
  }

  /// JSON's strings and arrays are YAML's, too.
  private static func scalar(_ value: RawSetting) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    let json =
      switch value {
      case .text(let text): try encoder.encode(text)
      case .list(let elements): try encoder.encode(elements)
      }
    return String(decoding: json, as: UTF8.self)
  }
}

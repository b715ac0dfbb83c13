import Codecs
import Foundation
import Pipeline
import Streams

/// Where a setting's value comes from.
package enum SettingOrigin: Hashable, Sendable, CustomStringConvertible {
  case file(name: String, line: Int)
  case environment(String)
  case flag(String)

  package var description: String {
    switch self {
    case .file(let name, let line): "\(name):\(line)"
    case .environment(let name): "environment variable \(name)"
    case .flag(let flag): flag
    }
  }
}

/// Everything that is wrong with a configuration, one sentence each.
package struct ConfigurationError: Error, Hashable, CustomStringConvertible {
  package var problems: [String]

  package init(problems: [String]) {
    self.problems = problems
  }

  package var description: String { problems.joined(separator: "\n") }
}

/// One `key=value` of the command line.
package struct SettingFlag: Hashable, Sendable {
  /// As the user knows it: `--set redis.port` or `--log-level`.
  var name: String
  var path: String
  var value: String
}

/// Settings in force, and where each that is not a default comes from.
package struct LoadedSettings: Sendable {
  package private(set) var settings = Settings()
  /// By dotted path.
  package private(set) var origins: [String: SettingOrigin] = [:]
  /// What was ignored, one sentence each.
  package private(set) var warnings: [String] = []
  private var problems: [String] = []

  /// Merges file, environment and flags over the defaults, each over the one before.
  package init(file: ConfigurationFile?, environment: [String: String], flags: [SettingFlag])
    throws(ConfigurationError)
  {
    if let file {
      problems = file.problems
      for entry in file.entries { apply(entry, of: file.name) }
    }
    apply(environment: environment)
    for flag in flags { set(flag.path, to: .text(flag.value), from: .flag(flag.name)) }
    for stage in settings.topology.stages where settings.stages.contains(stage.name) {
      guard let followed = stage.follows, !settings.stages.contains(followed) else { continue }
      let place = origins["stages"].map { "\($0): " } ?? ""
      problems.append(
        "\(place)stages: \(stage.name) reads the state of the \(followed) stage and must run in the"
          + " same process: add \(followed)")
    }
    guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
  }

  /// Reads the file, if one is named, and the process's environment.
  package static func load(path: String?, flags: [SettingFlag]) throws(ConfigurationError)
    -> LoadedSettings
  {
    let environment = ProcessInfo.processInfo.environment
    var file: ConfigurationFile?
    if let path = fileName(path, environment) {
      do {
        // A pipe or device has no length, which reading a whole file depends on.
        let handle = try FileHandle(forReadingFrom: URL(filePath: path))
        let bytes = try handle.read(upToCount: Self.maximumFileBytes + 1) ?? Data()
        guard bytes.count <= Self.maximumFileBytes else {
          throw ConfigurationError(problems: [
            "the configuration file \(path) is larger than \(Self.maximumFileBytes) bytes"
          ])
        }
        guard let yaml = String(data: bytes, encoding: .utf8) else {
          throw ConfigurationError(problems: ["the configuration file \(path) is not UTF-8"])
        }
        file = ConfigurationFile(name: path, yaml: yaml)
      } catch let error as ConfigurationError {
        throw error
      } catch {
        let reason = FileManager.default.fileExists(atPath: path) ? "can't be read" : "is not there"
        throw ConfigurationError(problems: ["the configuration file \(path) \(reason)"])
      }
    }
    return try LoadedSettings(file: file, environment: environment, flags: flags)
  }

  private static let maximumFileBytes = 1 << 20

  /// The environment variable that names the configuration file.
  package static let fileVariable = SettingKey.environmentPrefix + "CONFIG"

  /// The configuration file of a directory, used where none is named.
  package static let defaultFile = "projectionist.yaml"

  /// Which file is read: the one that is named, or that of the working directory; `nil` for none.
  ///
  /// - Parameters:
  ///   - path: as the command line names it.
  ///   - exists: whether there is such a file.
  static func fileName(
    _ path: String?, _ environment: [String: String],
    exists: (String) -> Bool = FileManager.default.fileExists(atPath:)
  ) -> String? {
    // Compose files pass variables on that are not set, as empty ones.
    if let named = path ?? environment[fileVariable].flatMap({ $0.isEmpty ? nil : $0 }) {
      return named
    }
    return exists(defaultFile) ? defaultFile : nil
  }

  private mutating func apply(_ entry: ConfigurationFile.Entry, of file: String) {
    let origin = SettingOrigin.file(name: file, line: entry.line)
    let members = SettingKey.all.map(\.path).filter { $0.hasPrefix(entry.path + ".") }
    guard members.isEmpty || entry.path.hasPrefix("kafka.") else {
      guard entry.value != nil else { return }
      problems.append("\(origin): \(entry.path) is a group of keys, such as \(members[0])")
      return
    }
    set(entry.path, to: entry.value ?? .text(""), from: origin)
  }

  private mutating func apply(environment: [String: String]) {
    var known: Set<String> = [Self.fileVariable]
    for name in environment.keys.sorted() where name.hasPrefix(Self.kafkaVariablePrefix) {
      let value = environment[name] ?? ""
      guard !ServiceLink.isOne(name, value) else { continue }
      known.insert(name)
      let property = name.dropFirst(Self.kafkaVariablePrefix.count).lowercased()
        .replacingOccurrences(of: "_", with: ".")
      if property == "bootstrap.servers" { continue }
      set("kafka.\(property)", to: .text(value), from: .environment(name))
    }
    for key in SettingKey.all {
      known.formUnion(key.environment)
      for name in key.environment {
        guard let value = environment[name] else { continue }
        let isOwn = name.hasPrefix(SettingKey.environmentPrefix)
        // Compose files pass variables on that are not set, as empty ones.
        if value.isEmpty && !isOwn { continue }
        // Kubernetes sets REDIS_PORT to this where a service is called redis, and
        // PROJECTIONIST_REDIS_PORT where it is projectionist-redis.
        if value.hasPrefix("tcp://") {
          warnings.append("environment variable \(name) is a Kubernetes service link, not read")
          continue
        }
        set(key.path, to: .text(value), from: .environment(name))
      }
    }
    refuseUnknown(environment.filter { !known.contains($0.key) })
  }

  private static let kafkaVariablePrefix = SettingKey.environmentName(of: "kafka.")

  private mutating func refuseUnknown(_ variables: [String: String]) {
    for (name, value) in variables.sorted(by: { $0.key < $1.key })
    where name.hasPrefix(SettingKey.environmentPrefix) && !ServiceLink.isOne(name, value) {
      let nearest = SettingKey.all.map(\.path).map(SettingKey.environmentName).min {
        editDistance($0, name) < editDistance($1, name)
      }
      problems.append(
        "environment variable \(name) is unknown; the nearest known one is \(nearest ?? "")")
    }
  }

  /// An address that may have a password in it, for people.
  private static func withoutUser(_ text: String) -> String {
    guard let scheme = text.firstRange(of: "://"), let at = text.lastIndex(of: "@"),
      at > scheme.upperBound
    else { return text }
    return "\(text[..<scheme.upperBound])…\(text[at...])"
  }

  private mutating func set(_ path: String, to raw: RawSetting, from origin: SettingOrigin) {
    // librdkafka knows this name for the same property, too.
    let path = path == "kafka.metadata.broker.list" ? "kafka.bootstrap.servers" : path
    if let key = SettingKey.byPath[path] {
      // A list in a file is as good as commas, for brokers.
      let value = path == "kafka.bootstrap.servers" ? RawSetting.text(raw.joined) : raw
      guard key.write(&settings, value) else {
        let shown = key.isSecret ? "not valid" : "\"\(Self.withoutUser(raw.joined))\""
        let hint = key.hint(value).map { "; \($0)" } ?? ""
        problems.append("\(origin): \(path) is \(shown); expected \(key.expected)\(hint)")
        return
      }
    } else if path.hasPrefix("kafka."), path.count > "kafka.".count {
      settings.kafka[String(path.dropFirst("kafka.".count))] = raw.joined
    } else {
      let nearest = SettingKey.nearest(to: path)
      problems.append("\(origin): unknown key \"\(path)\"; the nearest known key is \(nearest)")
      return
    }
    origins[path] = origin
  }
}

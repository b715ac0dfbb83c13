import Foundation

/// Where a command's configuration comes from: a file, and what its command line says on top.
package struct ConfigurationSource: Sendable {
  package var file: String?
  /// `key=value`, each.
  package var assignments: [String]
  package var bootstrapServers: String?
  package var logLevel: String?

  package init(
    file: String? = nil, assignments: [String] = [], bootstrapServers: String? = nil,
    logLevel: String? = nil
  ) {
    self.file = file
    self.assignments = assignments
    self.bootstrapServers = bootstrapServers
    self.logLevel = logLevel
  }

  /// The file that is read, named or found in the working directory; `nil` for none.
  package var fileInUse: String? {
    LoadedSettings.fileName(file, ProcessInfo.processInfo.environment)
  }

  /// The settings in force, without a look at librdkafka's properties.
  package func load() throws(ConfigurationError) -> LoadedSettings {
    try LoadedSettings.load(path: file, flags: flags)
  }

  /// The options of a command line that say the same.
  package var arguments: [String] {
    var arguments: [String] = []
    if let file { arguments += ["--config", file] }
    if let bootstrapServers { arguments += ["--bootstrap-servers", bootstrapServers] }
    if let logLevel { arguments += ["--log-level", logLevel] }
    for assignment in assignments { arguments += ["--set", assignment] }
    return arguments
  }

  private var flags: [SettingFlag] {
    var flags: [SettingFlag] = []
    if let bootstrapServers {
      flags.append(
        SettingFlag(
          name: "--bootstrap-servers", path: "kafka.bootstrap.servers", value: bootstrapServers))
    }
    if let logLevel {
      flags.append(SettingFlag(name: "--log-level", path: "log.level", value: logLevel))
    }
    for assignment in assignments {
      let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      flags.append(
        SettingFlag(
          name: "--set \(parts[0])", path: String(parts[0]), value: String(parts.last ?? "")))
    }
    return flags
  }
}

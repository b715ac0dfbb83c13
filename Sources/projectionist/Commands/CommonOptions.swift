import ArgumentParser
import Logging

/// The options every command has that reads the configuration.
struct CommonOptions: ParsableArguments {
  @Option(
    name: .customLong("config"),
    help: ArgumentHelp(
      "The configuration file; \(LoadedSettings.fileVariable) names it as well.",
      valueName: "file"))
  var file: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Set one key; may be repeated.", valueName: "key=value"))
  var assignments: [String] = []

  @Option(
    help: ArgumentHelp("The same as --set kafka.bootstrap.servers=…", valueName: "host:port,…"))
  var bootstrapServers: String?

  @Option(help: ArgumentHelp("The same as --set log.level=…", valueName: "level"))
  var logLevel: String?

  func validate() throws {
    for assignment in assignments where assignment.firstIndex(of: "=") == nil {
      throw ValidationError("--set \(assignment): expected key=value")
    }
  }

  /// The settings in force.
  func load() throws(ConfigurationError) -> LoadedSettings {
    try LoadedSettings.load(path: file, flags: flags)
  }

  /// The settings in force, and a logger made by them, which has been told what was ignored.
  func start(_ label: String) throws(ConfigurationError) -> (settings: Settings, logger: Logger) {
    let loaded = try load()
    let logger = loaded.settings.log.makeLogger(label)
    for warning in loaded.warnings { logger.warning("\(warning)") }
    return (loaded.settings, logger)
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

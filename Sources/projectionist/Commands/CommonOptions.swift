import ArgumentParser
import Configuration
import Logging
import Synchronization
import Wiring

/// The options every command has that reads the configuration.
struct CommonOptions: ParsableArguments {
  @Option(
    name: [.customShort("c"), .customLong("config")],
    help: ArgumentHelp(
      "The configuration file; by default the one that \(LoadedSettings.fileVariable) names, or"
        + " else ./\(LoadedSettings.defaultFile) if there is one.",
      valueName: "file"),
    completion: .file())
  var file: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Set one key; may be repeated.", valueName: "key=value"))
  var assignments: [String] = []

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The same as --set kafka.bootstrap.servers=…", valueName: "host:port,…"))
  var bootstrapServers: String?

  @Option(help: ArgumentHelp("The same as --set log.level=…", valueName: "level"))
  var logLevel: String?

  func validate() throws {
    for assignment in assignments where assignment.firstIndex(of: "=") == nil {
      throw ValidationError("--set \(assignment): expected key=value")
    }
  }

  /// Where the configuration comes from.
  var source: ConfigurationSource {
    ConfigurationSource(
      file: file, assignments: assignments, bootstrapServers: bootstrapServers, logLevel: logLevel)
  }

  /// The settings in force.
  func load() throws(ConfigurationError) -> LoadedSettings {
    let loaded = try source.loadChecked()
    Self.loaded.withLock { $0 = loaded.settings }
    return loaded
  }

  /// The settings in force, and a logger made by them, in which what was ignored is logged.
  func start(_ label: String) throws(ConfigurationError) -> (settings: Settings, logger: Logger) {
    let loaded = try load()
    return (loaded.settings, loaded.makeLogger(label))
  }

  private static let loaded = Mutex<Settings?>(nil)

  /// What a failure is explained by: the settings of the command that runs; `nil` before they are
  /// read.
  static var settingsInForce: Settings? { loaded.withLock(\.self) }
}

import ArgumentParser
import Configuration
import Logging
import Wiring

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

  /// Where the configuration comes from.
  var source: ConfigurationSource {
    ConfigurationSource(
      file: file, assignments: assignments, bootstrapServers: bootstrapServers, logLevel: logLevel)
  }

  /// The settings in force.
  func load() throws(ConfigurationError) -> LoadedSettings { try source.load() }

  /// The settings in force, and a logger made by them, in which what was ignored is logged.
  func start(_ label: String) throws(ConfigurationError) -> (settings: Settings, logger: Logger) {
    try source.start(label)
  }
}

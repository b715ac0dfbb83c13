package import Configuration
package import Logging

extension ConfigurationSource {
  /// The settings in force, and a logger made by them, in which what was ignored is logged.
  package func start(_ label: String) throws(ConfigurationError) -> (
    settings: Settings, logger: Logger
  ) {
    let loaded = try load()
    let logger = loaded.settings.log.makeLogger(label)
    for warning in loaded.warnings { logger.warning("\(warning)") }
    return (loaded.settings, logger)
  }
}

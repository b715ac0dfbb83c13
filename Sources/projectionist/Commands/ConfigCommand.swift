import ArgumentParser
import Configuration

struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "Print the configuration: every key explained, or what is in force.",
    discussion: """
      Without options, prints a configuration file with every key, its default and its meaning:

        projectionist config > projectionist.yaml
      """)

  @OptionGroup var common: CommonOptions

  @Flag(help: "Print the values in force and where each comes from; passwords are masked.")
  var effective = false

  func run() throws {
    guard effective else {
      print(SettingsRendering.documentedDefaults(), terminator: "")
      return
    }
    let loaded = try common.load()
    print(SettingsRendering.effective(loaded), terminator: "")
    for warning in loaded.warnings { print("# \(warning)") }
  }
}

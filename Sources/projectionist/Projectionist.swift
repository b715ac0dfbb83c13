import ArgumentParser
import Configuration
import Console
import Foundation
import Pipeline
import Streams
import Wiring

/// The command line's root.
@main
struct Projectionist: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "projectionist",
    abstract: "Movie recommendations in real time, as a stream processor on Kafka.",
    discussion: help,
    version: ProductVersion.text,
    groupedSubcommands: Commands.groups)

  private static let help = """
    Every rating is an event. Stages fold events into features of users and
    movies, keep them in local state, project them into Redis in Feast's layout,
    and answer requests.

    \(drawing)

    EXAMPLES:
      Everything at once, with ratings made up:
        projectionist demo

      By hand, with only this program and Redis installed, in two terminals:
        projectionist broker --address-file /tmp/broker
        projectionist run --bootstrap-servers "$(cat /tmp/broker)"

      On a Kafka of your own:
        projectionist config > projectionist.yaml
        projectionist topics apply
        projectionist check
        projectionist load ml-latest-small    (or: projectionist generate)
        projectionist run

    CONFIGURATION:
      The file that --config or \(LoadedSettings.fileVariable) names, or else
      \(LoadedSettings.defaultFile) in the working directory, if there is one.
      PROJECTIONIST_… variables override it, and --set overrides those.

    EXIT CODES:
    \(exitCodes)
    """

  private static var drawing: String {
    Topology(application: Settings().application).text.split(separator: "\n")
      .map { "  \($0)" }.joined(separator: "\n")
  }

  private static var exitCodes: String {
    ExitStatus.allCases.map { status in
      let code = String(status.rawValue)
      return "  \(code)\(String(repeating: " ", count: 4 - code.count))\(status.meaning)"
    }.joined(separator: "\n")
  }

  static func main() async {
    StandardStream.occupyClosed()
    StandardStream.failAtExitIfOutputIsLost()
    do {
      try CommandNames.check(CommandLine.arguments.dropFirst())
      try NegativeNumber.check(CommandLine.arguments.dropFirst())
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      // What the argument parser throws it also explains, with the right exit code.
      guard let status = ExitStatus(of: error) else { exit(withError: error) }
      let text = FailureText.of(error, CommonOptions.settingsInForce)
      StandardStream.error.write("projectionist: \(text.printableLines)\n")
      Foundation.exit(status.rawValue)
    }
  }
}

/// All subcommands, as the help page groups them. A new one is one line here.
enum Commands {
  static let groups: [CommandGroup] = [
    CommandGroup(
      name: "Pipeline",
      subcommands: [
        RunCommand.self,
        PredictCommand.self,
        ExplainCommand.self,
        FeaturesCommand.self,
        StateCommand.self,
        IntakeCommand.self,
        OffsetsCommand.self,
        RedisCommand.self,
      ]),
    CommandGroup(
      name: "Models",
      subcommands: [
        TrainCommand.self,
        ModelsCommand.self,
      ]),
    CommandGroup(
      name: "Set-up",
      subcommands: [
        ConfigCommand.self,
        TopicsCommand.self,
        TopologyCommand.self,
        CheckCommand.self,
      ]),
    CommandGroup(
      name: "Trial",
      subcommands: [
        DemoCommand.self,
        DemoCaretakerCommand.self,
        BrokerCommand.self,
        GenerateCommand.self,
        LoadCommand.self,
        BenchCommand.self,
        SimulateCommand.self,
      ]),
  ]
}

import ArgumentParser
import Configuration
import Console
import DaemonRuntime
import Logging
import Pipeline
import Streams

/// `projectionist run`: the daemon.
struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run the pipeline: all stages, or those named, until SIGTERM.",
    discussion: """
      Waits for the broker if it can't be reached yet. Says `ready` in its log once every stage \
      has its partitions and their state. Tells what the stages do on a socket, events.sock in \
      the application's state directory, as lines of JSON. The first SIGTERM, SIGINT or SIGHUP \
      finishes the open batches and exits with 0; a second one ends the process at once, which \
      harms no state.
      """)

  @OptionGroup var common: CommonOptions

  @Option(
    help: ArgumentHelp(
      "The same as --set stages=…",
      valueName: Topology.product.prefix(2).map(\.name).joined(separator: ",") + ",…"))
  var stages: String?

  @Flag(help: "Create the topics that are missing before the start.")
  var applyTopics = false

  func run() async throws {
    let (configured, logger) = try start()
    let run = DaemonRun(configured, logger: logger, appliesTopics: applyTopics)
    if let failure = try await run.run() { throw ExitCode(failure.rawValue) }
  }

  private func start() throws -> (Settings, Logger) {
    var common = common
    if let stages { common.assignments.append("stages=\(stages)") }
    let (settings, logger) = try common.start("projectionist")
    logger.notice(
      "configuration",
      metadata: ["file": "\(common.source.fileInUse ?? "none, only defaults and variables")"])
    return (settings, logger)
  }
}

import ArgumentParser
import Console
import Demo

/// What `projectionist demo` starts, so that somebody cleans up whatever ends it.
struct DemoCaretakerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: DemoCleanUp.command,
    abstract: "Wait for the end of standard input, and then remove a demo.", shouldDisplay: false)

  @Argument(help: "The demo's directory.") var directory: String
  @Flag(help: "Delete its topics and groups.") var cluster = false
  @Flag(help: "Delete its keys in Redis.") var redis = false

  func run() throws {
    let cleanUp = DemoCleanUp(directory: directory, clearsCluster: cluster, clearsRedis: redis)
    let problems = cleanUp.runAfterTheDemo()
    guard !problems.isEmpty else { return }
    StandardStream.output.write(problems.joined(separator: "\n"))
    throw ExitCode(ExitStatus.failure.rawValue)
  }
}

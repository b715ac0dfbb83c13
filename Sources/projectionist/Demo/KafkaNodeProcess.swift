import Console
import Foundation
import KafkaLog
import Logging
import Processes

/// An Apache Kafka of the demo's own: a single node on free loopback ports, its data in the
/// demo's temporary directory.
enum KafkaNodeProcess {
  private static let formatDeadline = Duration.seconds(60)
  private static let startDeadline = Duration.seconds(90)
  /// Another process may take a free port before the node does.
  private static let attempts = 3

  /// Returns once the node answers.
  ///
  /// - Parameter home: the directory of the Apache Kafka.
  static func start(
    home: String, directory: TemporaryDirectory, interruption: Interruption, logger: Logger
  ) throws -> (process: ChildProcess, bootstrapServers: String) {
    var failure: CommandFailure?
    for attempt in 1...attempts {
      let node = KafkaNode(
        port: try RedisServerProcess.freePort(), controllerPort: try RedisServerProcess.freePort(),
        dataDirectory: directory.file("kafka-data-\(attempt)"))
      guard node.port != node.controllerPort else { continue }
      let properties = directory.file("server.properties")
      try Data(node.properties.utf8).write(to: URL(fileURLWithPath: properties))
      try format(home: home, properties: properties, directory: directory, interruption)
      let process = try script(
        "kafka-server-start.sh", [properties], home: home, directory: directory)
      do throws(CommandFailure) {
        try waitUntilAnswering(node, process, directory, interruption, logger)
        return (process, node.bootstrapServers)
      } catch {
        try interruption.check()
        failure = error
      }
    }
    throw failure ?? CommandFailure(.failure, "there are no two free loopback ports for Kafka")
  }

  private static func format(
    home: String, properties: String, directory: TemporaryDirectory, _ interruption: Interruption
  ) throws {
    let process = try script(
      "kafka-storage.sh", ["format", "-t", KafkaNode.makeClusterID(), "-c", properties],
      home: home, directory: directory)
    let deadline = ContinuousClock.now + formatDeadline
    while ContinuousClock.now < deadline {
      try interruption.check()
      guard let outcome = process.wait(.milliseconds(100)) else { continue }
      if outcome == .exited(0) { return }
      throw CommandFailure(
        .failure, "kafka-storage.sh \(outcome): \(LogTail.of(log(directory), lines: 3))")
    }
    throw CommandFailure(.failure, "kafka-storage.sh did not end in \(formatDeadline)")
  }

  private static func waitUntilAnswering(
    _ node: KafkaNode, _ process: ChildProcess, _ directory: TemporaryDirectory,
    _ interruption: Interruption, _ logger: Logger
  ) throws(CommandFailure) {
    var settings = KafkaSettings(bootstrapServers: node.bootstrapServers)
    settings.requestTimeout = .seconds(1)
    let deadline = ContinuousClock.now + startDeadline
    while ContinuousClock.now < deadline, !interruption.isRequested {
      if let outcome = process.wait(.milliseconds(100)) {
        throw CommandFailure(
          .failure, "Kafka \(outcome): \(LogTail.of(log(directory), lines: 3))")
      }
      let log = KafkaLog(settings: settings, logger: logger)
      if let admin = try? log.makeAdmin(), (try? admin.cluster()) != nil { return }
    }
    throw CommandFailure(.unavailable, "Kafka does not answer on \(node.bootstrapServers)")
  }

  private static func script(
    _ name: String, _ arguments: [String], home: String, directory: TemporaryDirectory
  ) throws(CommandFailure) -> ChildProcess {
    let environment = KafkaNode.environment(logDirectory: directory.file("kafka-logs"))
      .map { "\($0)=\($1)" }
    return try ChildProcess(
      "Kafka", executable: "env", arguments: environment + ["\(home)/bin/\(name)"] + arguments,
      output: .file(log(directory)))
  }

  private static func log(_ directory: TemporaryDirectory) -> String {
    directory.file("kafka.log")
  }
}

/// The end of a log file, for a message about whoever wrote it.
enum LogTail {
  static func of(_ file: String, lines: Int) -> String {
    guard let text = try? String(contentsOfFile: file, encoding: .utf8), !text.isEmpty else {
      return "it wrote no log"
    }
    return text.split(separator: "\n").suffix(lines).joined(separator: "\n")
  }
}

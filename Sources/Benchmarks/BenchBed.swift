import Configuration
import Console
import EventLog
import EventStream
import Foundation
import KafkaLog
import LMDBStore
import Pipeline
import Processes
import Streams
import Wiring

/// What a bench stands on: empty topics, a Redis, a place for state, and the daemon it measures.
/// All of it is gone afterwards.
final class BenchBed {
  private static let stopDeadline = Duration.seconds(20)

  let options: BenchOptions
  let settings: Settings
  let log: KafkaLog
  let admin: KafkaAdmin
  let topics: BenchTopics
  /// `nil` when the configured one is used.
  let redis: RedisServerProcess?
  /// The user's options, and what is set over them, for the daemon as for this process.
  private let source: ConfigurationSource
  private let directory: TemporaryDirectory
  private let interruption: Interruption
  private var daemon: ChildProcess?
  /// Follows the daemon started last, or one that has ended.
  private(set) var follower: DaemonFollower?
  private var starts = 0
  /// Events that daemons have processed so far, as `process` counts them.
  var processed = 0

  /// Makes a bed, hands it to `body`, and clears everything away whatever becomes of that.
  static func use(_ options: BenchOptions, _ body: (BenchBed) throws -> BenchReport) throws
    -> BenchReport
  {
    let interruption = Interruption()
    let bed = try BenchBed(options, interruption)
    defer { bed.clear() }
    return try body(bed)
  }

  /// For what is measured in this process alone: hands `body` a check to make now and then, which
  /// throws when the user wants to stop.
  static func withoutTopics(
    _ body: (_ check: () throws -> Void) throws -> BenchReport
  ) throws -> BenchReport {
    let interruption = Interruption()
    return try body(interruption.check)
  }

  private init(_ options: BenchOptions, _ interruption: Interruption) throws {
    self.options = options
    self.interruption = interruption
    directory = try TemporaryDirectory("bench")
    redis = options.redis ? nil : try RedisServerProcess(directory: directory)
    let (configured, logger) = try options.source.start("bench")
    // Producers here send at once: what is measured is the daemon, not their waiting.
    var kafka = configured.kafkaSettings
    kafka.properties["linger.ms"] = kafka.properties["linger.ms"] ?? "0"
    log = KafkaLog(settings: kafka, logger: logger)
    admin = try log.makeAdmin()
    var source = options.source
    source.assignments += Self.assignments(options, directory, redis)
    let name = "bench-\(String(UInt32.random(in: .min ... .max), radix: 16))"
    source.assignments.append("feast.project=\(name)")
    // The embedded broker makes its topics when it starts, changelogs included.
    if try !admin.cluster().isEmbedded { source.assignments.append("application=\(name)") }
    self.source = source
    settings = try source.load().settings
    topics = try BenchTopics(settings, admin)
    try topics.checkGuarantee(settings.processing.guarantee)
    try topics.prepare(recreate: options.recreateTopics, confirmed: options.yes, check: check)
  }

  private static func assignments(
    _ options: BenchOptions, _ directory: TemporaryDirectory, _ redis: RedisServerProcess?
  ) -> [String] {
    var assignments = [
      // A name that outlives the state: its partitions wait for it.
      "instance=bench", "state.directory=\(directory.file("state"))",
      "topics.partitions=\(options.partitions)",
      "stages=\(Topology.product.map(\.name).joined(separator: ","))",
    ]
    if let guarantee = options.guarantee {
      assignments.append("processing.guarantee=\(guarantee.rawValue)")
    }
    if let redis {
      assignments += [
        "redis.host=127.0.0.1", "redis.port=\(redis.port)", "redis.username=", "redis.password=",
        "redis.database=0",
      ]
    }
    return assignments
  }

  /// Throws when the user wants to stop, or the daemon has ended.
  func check() throws {
    try interruption.check()
    if let outcome = daemon?.poll() {
      throw CommandFailure(.failure, "the daemon \(outcome):\n\(lastWords)")
    }
  }

  /// Starts the daemon. It is not ready yet when this returns.
  func startDaemon() throws -> ChildProcess {
    starts += 1
    let process = try ChildProcess(
      "the daemon", executable: ChildProcess.ownExecutable,
      arguments: ["run"] + source.arguments,
      output: .file(daemonLog))
    daemon = process
    follower?.stop()
    follower = DaemonFollower(path: settings.eventSocket)
    return process
  }

  /// Stops the daemon cleanly.
  func stopDaemon() throws {
    guard let process = daemon else { return }
    daemon = nil
    let outcome = process.terminate(Self.stopDeadline)
    guard outcome == .exited(0) else {
      throw CommandFailure(.failure, "the daemon, asked to stop, \(outcome):\n\(lastWords)")
    }
  }

  /// Ends the daemon as `kill -9` does.
  func killDaemon() {
    daemon?.kill()
    daemon = nil
  }

  private var daemonLog: String { directory.file("daemon-\(starts).log") }

  /// A read_committed reader of users' features that stands at their topic's end.
  func makeFeatureReader() throws -> KafkaConsumer {
    let consumer = try log.makeConsumer(
      ConsumerConfiguration(
        topics: [settings.topology[.userFeatures]], group: nil,
        clientID: "projectionist-bench-features"))
    let partitions = topics.partitions(of: [settings.topology[.userFeatures]])
    let offsets = try admin.offsets(of: partitions)
    try consumer.assign(partitions.map { ($0, .at(offsets[$0]?.upperBound ?? 0)) })
    return consumer
  }

  /// The end of the daemon's log, for people.
  private var lastWords: String {
    let text = (try? String(contentsOfFile: daemonLog, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").suffix(5).joined(separator: "\n")
  }

  /// Bytes in use of all stores.
  func stateBytes() throws -> Int {
    let storage = settings.storage
    var sum = 0
    for stage in settings.topology.statefulStages {
      for partition in try storage.partitions(stage: stage.name) {
        sum += try storage.openReadOnly(stage: stage.name, partition: partition)
          .statistics().usedBytes
      }
    }
    return sum
  }

  private func clear() {
    daemon?.terminate(Self.stopDeadline)
    follower?.stop()
    topics.clear()
    redis?.stop()
    directory.remove()
  }
}

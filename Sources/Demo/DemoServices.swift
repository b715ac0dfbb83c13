import Configuration
import Console
import Foundation
import KafkaLog
import Logging
import Pipeline
import Processes
import Streams
import Wiring

/// The processes of one demo, started and stopped in the order they need each other.
final class DemoServices {
  private static let addressDeadline = Duration.seconds(20)
  /// It keeps about 5 MiB a partition, and a topic must hold what its slowest reader has before it.
  private static let embeddedPartitions = 16
  private static let brokerStopDeadline = Duration.seconds(20)
  private static let cleanUpDeadline = Duration.seconds(120)

  /// What the processes run with; complete once `start` has returned.
  private(set) var settings: Settings
  private(set) var broker = ""
  private(set) var redis = ""
  /// Where Kafka's own tools are, when they can be used.
  private(set) var javaTools: PasteLines.JavaTools?
  private let choice: BrokerChoice
  private let ownsRedis: Bool
  private let directory: TemporaryDirectory
  private let cleanUp: DemoCleanUp
  /// Cleans up, whatever ends this process.
  private let caretaker: Caretaker
  private var isStopped = false
  private let interruption: Interruption
  private let logger: Logger

  private var redisServer: RedisServerProcess?
  private var brokerProcess: ChildProcess?
  private var loader: ChildProcess?
  private var daemon: ChildProcess?
  /// What the daemon's stages do.
  private(set) var daemonStatus: DaemonStatus?

  init(
    _ loaded: LoadedSettings, choice: BrokerChoice, interruption: Interruption, logger: Logger
  ) throws {
    settings = loaded.settings
    self.choice = choice
    self.interruption = interruption
    self.logger = logger
    directory = try TemporaryDirectory("demo")
    ownsRedis = !loaded.configuresRedis
    cleanUp = DemoCleanUp(
      directory: directory.path, clearsCluster: choice == .configured, clearsRedis: !ownsRedis)
    caretaker = try Caretaker(
      "the demo's caretaker", arguments: cleanUp.arguments, removing: Self.overridingVariables)
    settings.state.directory = directory.file("state")
    settings.stages = Settings().stages
    settings.log.format = .text
    if choice == .configured || !ownsRedis { DemoNames().apply(to: &settings) }
    if choice != .configured { settings.kafka = [:] }
    if choice == .embedded, loaded.origins["topics.partitions"] == nil {
      settings.topics.partitions = Self.embeddedPartitions
    }
    // The embedded broker deletes what is behind the last few megabytes of a partition.
    if choice == .embedded, loaded.origins["topics.movie_partitions"] == nil {
      settings.topics.moviePartitions = settings.topics.partitions
    }
  }

  private static var overridingVariables: Set<String> {
    DemoConfiguration.overridingVariables(in: ProcessInfo.processInfo.environment)
  }

  var configurationFile: String { directory.file(DemoConfiguration.fileName) }
  var kcatConfiguration: String { directory.file("kcat.conf") }
  /// For the commands that the view shows.
  var commandFile: String { directory.file("commands") }
  var daemonLog: String { directory.file("daemon.log") }
  var log: KafkaLog { KafkaLog(settings: settings.kafkaSettings, logger: logger) }
  private(set) var isEmbedded = false
  /// The user's properties of librdkafka; a broker of the demo's own, or an embedded one, is
  /// reached without.
  var kafkaProperties: [String: String] {
    choice == .configured && !isEmbedded
      ? settings.kafka.filter { $0.key != "bootstrap.servers" } : [:]
  }

  // MARK: Start

  /// Starts what the daemon needs, and tells about each.
  func startServers() throws {
    tellWhatIsTouched()
    try startRedis()
    try startBroker()
    try write(DemoConfiguration.text(settings), to: configurationFile)
    if !kafkaProperties.isEmpty {
      try write(DemoConfiguration.kcatText(kafkaProperties), to: kcatConfiguration)
    }
    try createTopics()
  }

  /// Before anything is.
  private func tellWhatIsTouched() {
    guard choice == .configured || !ownsRedis else { return }
    let prefix = settings.topics.prefix
    var touched = choice == .configured ? ["topics and groups that begin with \(prefix)"] : []
    if !ownsRedis {
      touched.append("keys of Redis that end in \(settings.feastProjection.project)")
    }
    tell(
      "own", "\(touched.joined(separator: ", ")): made now, deleted at the end, and nothing else")
  }

  /// Nobody else may read it.
  private func write(_ text: String, to file: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
  }

  private func startRedis() throws {
    if ownsRedis {
      let server = try RedisServerProcess(directory: directory)
      redisServer = server
      settings.redis = Settings.Redis()
      settings.redis.port = server.port
      redis = "\(settings.redis.host):\(server.port)"
      return tell("redis", "redis-server started on \(redis)")
    }
    redis = "\(settings.redis.host):\(settings.redis.port)"
    tell("redis", "the configured one, \(redis)")
  }

  private func startBroker() throws {
    switch choice {
    case .configured:
      guard try !log.makeAdmin().cluster().isEmbedded else {
        throw CommandFailure(
          .usage,
          "\(settings.bootstrapServers) is an embedded broker, which can't make topics of the demo's"
            + " own: use --embedded, which starts another")
      }
      findJavaTools()
      broker = settings.bootstrapServers
      tell("broker", "the configured one, \(broker)")
    case .apacheKafka(let home):
      tell("broker", "starting the Apache Kafka in \(home)")
      let node = try KafkaNodeProcess.start(
        home: home, directory: directory, interruption: interruption, logger: logger)
      brokerProcess = node.process
      settings.bootstrapServers = node.bootstrapServers
      javaTools = PasteLines.JavaTools(directory: "\(home)/bin")
      broker = "Apache Kafka \(node.bootstrapServers)"
      tell("broker", "Apache Kafka started on \(node.bootstrapServers)")
    case .embedded:
      settings.bootstrapServers = try startEmbeddedBroker()
      isEmbedded = true
      settings = settings.adaptedToEmbeddedBroker()
      broker = "embedded \(settings.bootstrapServers)"
      tell("broker", "embedded broker started on \(settings.bootstrapServers); at least once")
    }
  }

  private func findJavaTools() {
    javaTools = BrokerChoice.javaTools(
      environment: ProcessInfo.processInfo.environment,
      isExecutable: FileManager.default.isExecutableFile)
  }

  private func startEmbeddedBroker() throws -> String {
    let addressFile = directory.file("broker-address")
    let log = directory.file("broker.log")
    let process = try start(
      "the embedded broker",
      [
        "broker", "--address-file", addressFile,
        "--partitions", "\(settings.topics.partitions)",
        "--set", "topics.movie_partitions=\(settings.topics.moviePartitions)",
        "--set", "application=\(settings.application)",
        "--set", "topics.prefix=\(settings.topics.prefix)",
      ], output: .file(log))
    brokerProcess = process
    let deadline = ContinuousClock.now + Self.addressDeadline
    while ContinuousClock.now < deadline {
      try interruption.check()
      if let address = try? String(contentsOfFile: addressFile, encoding: .utf8) {
        return address.trimmingCharacters(in: .whitespacesAndNewlines)
      }
      if let outcome = process.wait(.milliseconds(20)) {
        throw CommandFailure(.failure, "the broker \(outcome): \(LogTail.of(log, lines: 3))")
      }
    }
    throw CommandFailure(.failure, "the embedded broker does not start")
  }

  private func createTopics() throws {
    let admin = try log.makeAdmin()
    let topics = try TopicCatalog.topics(settings)
    var report = try TopicReport(topics, admin: admin)
    if choice == .configured, report.missing.count < topics.count {
      throw CommandFailure(
        .failure, "\(settings.bootstrapServers) has topics of \(settings.topics.prefix) already")
    }
    try report.createMissing(admin)
    if let failure = report.failure { throw failure }
    tell("topics", "\(topics.count), as declared")
  }

  /// Produces movies and ratings with this program's own command, which shows its progress.
  func load(_ arguments: [String]) throws {
    let process = try start(
      // The broker's first words of being busy with its own start are no news.
      "the loader", arguments + ["--config", configurationFile, "--log-level", "error"],
      output: .inherited)
    loader = process
    while true {
      try interruption.check()
      guard let outcome = process.wait(.milliseconds(100)) else { continue }
      guard outcome == .exited(0) else {
        // Perhaps for want of a reader, as this process.
        try interruption.check()
        throw CommandFailure(.failure, "loading \(outcome)")
      }
      return
    }
  }

  func startDaemon() throws {
    daemon = try start(
      "the daemon", ["run", "--config", configurationFile], output: .file(daemonLog))
    daemonStatus = DaemonStatus(path: settings.eventSocket)
    tell("daemon", "started, its log is \(daemonLog)")
  }

  private func start(_ name: String, _ arguments: [String], output: ChildProcess.Output)
    throws(CommandFailure) -> ChildProcess
  {
    try ChildProcess(
      name, executable: ChildProcess.ownExecutable, arguments: arguments, output: output,
      removing: Self.overridingVariables)
  }

  /// Says on standard output what has become of a part of the demo.
  func tell(_ name: String, _ text: String) {
    let padding = String(repeating: " ", count: max(1, 8 - name.count))
    StandardStream.output.write("\(name)\(padding)\(text)\n")
  }

  // MARK: Meanwhile and end

  /// What happens at the end, in words.
  var farewell: String {
    let started = [
      "the daemon", ownsRedis ? "Redis" : nil, choice == .configured ? nil : "the broker",
    ].compactMap(\.self).joined(separator: ", ")
    let own = choice == .configured ? ["topics and groups"] : []
    let made = own + (ownsRedis ? [] : ["keys in Redis"])
    return "stopping \(started)"
      + (made.isEmpty ? "" : ", deleting the demo's \(made.joined(separator: ", "))")
  }

  /// Waits so long, or until a signal comes.
  func pause(_ duration: Duration) { interruption.pause(duration) }

  /// Throws once one of the processes has ended by itself, or a signal has come.
  func check() throws {
    try interruption.check()
    if let daemon, let outcome = daemon.poll() {
      throw CommandFailure(
        .failure, "the daemon \(outcome):\n\(LogTail.of(daemonLog, lines: 10))")
    }
    if let outcome = caretaker.poll() {
      throw CommandFailure(.failure, "the process that cleans up after the demo \(outcome)")
    }
    for process in [redisServer?.process, brokerProcess] {
      guard let process, let outcome = process.poll() else { continue }
      throw CommandFailure(.failure, "\(process.name) \(outcome)")
    }
  }

  /// Ends all that was started, in the order that lets each finish its work, and removes all that
  /// was made. May be called at any point, and again.
  func stop() {
    guard !isStopped else { return }
    isStopped = true
    loader?.terminate(.seconds(1))
    daemonStatus?.stop()
    daemon?.terminate(settings.shutdown.deadline + .seconds(5))
    redisServer?.stop()
    brokerProcess?.terminate(Self.brokerStopDeadline)
    (loader, daemon, redisServer, brokerProcess) = (nil, nil, nil, nil)
    guard let problem = finish() else { return }
    StandardStream.error.write("projectionist: the demo could not be removed: \(problem)\n")
  }

  /// - Returns: what was not removed.
  private func finish() -> String? {
    guard caretaker.poll() == nil else {
      let problems = cleanUp.run()
      return problems.isEmpty ? nil : problems.joined(separator: "; ")
    }
    let (text, outcome) = caretaker.finish(Self.cleanUpDeadline)
    switch outcome {
    case .exited(0): return nil
    case let outcome?: return text.isEmpty ? "its caretaker \(outcome)" : text
    case nil: return "a process in the background goes on with it"
    }
  }
}

extension LoadedSettings {
  /// Whether the user says anything about Redis: then there is one to use.
  var configuresRedis: Bool { origins.keys.contains { $0.hasPrefix("redis.") } }
}

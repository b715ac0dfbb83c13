import EventLog
import Logging
import StateStore
import Streams
import Synchronization
import Testing

@testable import Pipeline
@testable import Simulation

/// The product's topics on a log in memory, and its stages run on them one after another.
///
/// Everything happens on the caller's thread. A stage runs until its input has been dry for a few
/// polls, and time passes only then.
struct Chain {
  static let topology = Topology(application: "app")
  /// Enough for the movie stage's rest and interval to pass.
  static let idlePolls = 40

  let log = MemoryLog()
  let storage = MemoryStorage()
  let clock = SimulatedClock()
  let partitions: Int32
  var guarantee: ProcessingGuarantee
  var limits = BatchLimits()
  var maxFetchRecords = Int.max
  var intake = IntakeEnvironment()

  init(_ guarantee: ProcessingGuarantee = .exactlyOnce, partitions: Int32 = 1) {
    self.guarantee = guarantee
    self.partitions = partitions
    for topic in Self.topology.topics {
      log.createTopic(
        Self.topology[topic], partitions: topic == .models ? 1 : Int(partitions))
    }
  }

  // MARK: Input

  func addMovie(_ movie: Int64, title: String = "", genres: String) throws {
    let value = #"{"movie_id":\#(movie),"title":"\#(title)","genres":"\#(genres)"}"#
    try log.append(
      to: TopicPartition(Topics.movies, Int32(movie % Int64(partitions))),
      key: Array("\(movie)".utf8), value: Array(value.utf8))
  }

  /// Appends a rating, or takes one back.
  @discardableResult
  func rate(
    _ user: Int64, _ movie: Int64, _ stars: Double?, at seconds: Int64, timestamp: Int64? = nil,
    partition: Int32 = 0
  ) throws -> Int64 {
    let rating = stars.map { "\($0)" } ?? "null"
    let value =
      #"{"user_id":\#(user),"movie_id":\#(movie),"rating":\#(rating),"timestamp":\#(seconds)}"#
    return try log.append(
      to: TopicPartition(Topics.userRatings, partition), key: nil, value: Array(value.utf8),
      timestamp: timestamp ?? seconds * 1000)
  }

  // MARK: Output

  /// All records of a topic, partition by partition.
  func records(_ topic: String) throws -> [MemoryRecord] {
    try (0..<partitions).flatMap { try log.records(of: TopicPartition(topic, $0)) }
  }

  /// The newest record of each key.
  func newest(_ topic: String) throws -> [[UInt8]: MemoryRecord] {
    try records(topic).reduce(into: [:]) { newest, record in
      if let key = record.key { newest[key] = record }
    }
  }

  // MARK: Stages

  /// What happens to the process that runs a stage.
  struct Run {
    var faults: @Sendable (SimulatedProcess.Moment) -> SimulatedProcess.Fault? = { _ in nil }
    var delivery = SimulatedProcess.Delivery.immediate
    /// Called when a poll of the stage's input brings nothing, with how often that was so before.
    var onIdle: @Sendable (Int) -> Void = { _ in }
    var events = EventSink.none
    /// Milliseconds since 1970, for the ages of records.
    var time: (@Sendable () -> Int64)?
  }

  /// - Returns: the number of batches.
  @discardableResult
  func runIntake(_ run: Run = Run()) throws(StageError) -> Int64 {
    try drain(.intake(Self.topology, intake), run)
  }

  /// Runs intake.
  ///
  /// - Returns: its events.
  func intakeEvents(_ run: Run = Run()) throws(StageError) -> [EngineEvent.Kind] {
    let events = Mutex<[EngineEvent.Kind]>([])
    var run = run
    run.events = EventSink { event in events.withLock { $0.append(event.kind) } }
    try drain(.intake(Self.topology, intake), run)
    return events.withLock { $0 }
  }

  @discardableResult
  func runUser(
    _ run: Run = Run(), directory: PartitionDirectory<MemoryStore> = PartitionDirectory()
  ) throws(StageError) -> Int64 {
    try drain(.user(Self.topology, directory: directory), run)
  }

  @discardableResult
  func runMovie(_ run: Run = Run()) throws(StageError) -> Int64 {
    try drain(.movie(Self.topology, refreshInterval: .seconds(1)), run)
  }

  /// How the predict stage is set in a test.
  struct Serving {
    var keptModels = 3
    var shadowModel: String?
    var requiresCatalog = false
    /// Milliseconds since 1970.
    var time: @Sendable () -> Int64 = { 0 }
    var maxAge = Duration.seconds(60)
    /// Of `recommendation-requests`; those of the users unless set.
    var requests: (any PartitionFeed)?
    var inBackground: @Sendable (@escaping @Sendable () -> Void) -> Void = { $0() }
    var logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
  }

  /// Where Kafka's default partitioner puts a user.
  func home(_ user: Int64) -> Int32 {
    KeyPartitioner.partition(of: Array("\(user)".utf8), among: Int(partitions))
  }

  /// Answers what waits in `recommendation-requests` from the user stage's stores.
  ///
  /// - Returns: what the stage counted.
  @discardableResult
  func runPredict(
    _ serving: Serving = Serving(), _ run: Run = Run(),
    directory: PartitionDirectory<MemoryStore> = PartitionDirectory()
  ) throws -> PredictStatus {
    let share = directory.makeShare()
    let user = StageDeclaration.user
    share.replace(
      try (0..<partitions).map { partition in
        let store = try storage.open(
          stage: user.name, partition: partition, tables: user.tableNames)
        return (partition, store)
      })
    defer { withExtendedLifetime(share) {} }
    let clock = self.clock
    let monitor = PredictMonitor()
    let count = Int(partitions)
    try drain(
      .predict(
        directory: directory, requests: serving.requests,
        partitionOf: { key in
          KeyPartitioner.partition(of: key.withUnsafeBytes { [UInt8]($0) }, among: count)
        },
        makeEnvironment: {
          PredictEnvironment(
            topology: Self.topology, keptModels: serving.keptModels,
            shadowModel: serving.shadowModel, requiresCatalog: serving.requiresCatalog,
            maxAge: serving.maxAge, monitor: monitor, logger: serving.logger,
            now: { clock.now }, time: serving.time, inBackground: serving.inBackground)
        }), run, expiry: RecordExpiry(age: serving.maxAge, time: serving.time))
    return monitor.snapshot
  }

  func runAll() throws(StageError) {
    try runIntake()
    try runUser()
    try runMovie()
  }

  @discardableResult
  private func drain(
    _ program: StageProgram<MemoryLog, MemoryStorage>, _ run: Run, expiry: RecordExpiry? = nil
  ) throws(StageError) -> Int64 {
    let configuration = Self.topology.configuration(
      of: program.declaration, instance: "0",
      settings: StageSettings(guarantee: guarantee, limits: limits), pacing: StagePacing(),
      followed: program.followed,
      counts: PartitionCounts([
        "topics.partitions": partitions, "topics.movie_partitions": partitions,
      ]))
    let clock = self.clock
    let stop = StopSignal()
    let idlePolls = Mutex(0)
    let pauses = Mutex(0)
    let process = SimulatedProcess(
      configuration.name, delivery: run.delivery, maxFetchRecords: maxFetchRecords,
      faults: run.faults,
      onIdle: { group in
        // Global tables have no group: that they have nothing new says nothing of the input.
        guard group == configuration.group else { return }
        let before = idlePolls.withLock { count in
          count += 1
          return count - 1
        }
        run.onIdle(before)
        clock.advance(by: .milliseconds(100))
        if before + 1 >= Self.idlePolls { stop.stop() }
      })
    let monitor = StageMonitor(stage: configuration.name)
    let log = self.log.connected(process)
    var environment = StageEnvironment(
      configuration: configuration, log: log, storage: storage.mounted(process),
      events: .all([monitor.sink, run.events]), stop: stop,
      now: { clock.now },
      pause: { duration in
        clock.advance(by: duration)
        // A stage that only ever waits would never see its input dry.
        let count = pauses.withLock { count in
          count += 1
          return count
        }
        if count > 200 { stop.stop() }
      })
    environment.expiry = expiry
    environment.time = run.time
    try program.run(environment)
    return monitor.snapshot.batches
  }
}

/// The names of the chain's topics.
enum Topics {
  static let userRatings = Chain.topology[.userRatings]
  static let validatedRatings = Chain.topology[.validatedRatings]
  static let validationResults = Chain.topology[.validationResults]
  static let deadLetters = Chain.topology[.deadLetters]
  static let ratingsByMovie = Chain.topology[.ratingsByMovie]
  static let userFeatures = Chain.topology[.userFeatures]
  static let movieFeatures = Chain.topology[.movieFeatures]
  static let movies = Chain.topology[.movies]
  static let control = Chain.topology[.control]
  static let models = Chain.topology[.models]
  static let requests = Chain.topology[.requests]
  static let recommendations = Chain.topology[.recommendations]
  static let shadow = Chain.topology[.shadow]
  static let userChangelog = Chain.topology.changelog(of: .user) ?? ""
  static let movieChangelog = Chain.topology.changelog(of: .movie) ?? ""
}

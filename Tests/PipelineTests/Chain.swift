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
  static let application = "app"
  /// Enough for the movie stage's rest and interval to pass.
  static let idlePolls = 40

  let log = MemoryLog()
  let storage = MemoryStorage()
  let clock = SimulatedClock()
  let partitions: Int32
  var guarantee: ProcessingGuarantee
  var limits = BatchLimits()
  var maxFetchRecords = Int.max

  init(_ guarantee: ProcessingGuarantee = .exactlyOnce, partitions: Int32 = 1) {
    self.guarantee = guarantee
    self.partitions = partitions
    let topics = [
      Topics.userRatings, Topics.validatedRatings, Topics.validationResults, Topics.deadLetters,
      Topics.ratingsByMovie, Topics.userFeatures, Topics.movieFeatures, Topics.movies,
      Topics.requests, Topics.recommendations, Topics.shadow,
      Topics.userChangelog(Self.application),
      Topics.movieChangelog(Self.application),
    ]
    for topic in topics { log.createTopic(topic, partitions: Int(partitions)) }
    log.createTopic(Topics.models, partitions: 1)
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
  }

  /// - Returns: the number of batches.
  @discardableResult
  func runIntake(_ run: Run = Run()) throws(StageError) -> Int64 {
    let configuration = StageConfiguration(
      name: StageName.intake.rawValue, application: Self.application, instance: "0",
      inputs: [Topics.userRatings], outputs: Intake.outputs, guarantee: guarantee, limits: limits)
    return try drain(configuration, run) { log throws(StageError) in
      try Intake(log, clientID: "intake")
    }
  }

  @discardableResult
  func runUser(_ run: Run = Run()) throws(StageError) -> Int64 {
    let configuration = StageConfiguration(
      name: StageName.user.rawValue, application: Self.application, instance: "0",
      inputs: [Topics.validatedRatings], outputs: User.outputs,
      changelog: Topics.userChangelog(Self.application), tables: UserTables.names,
      guarantee: guarantee, limits: limits)
    return try drain(configuration, run) { log throws(StageError) in
      User(log, clientID: "user", directory: PartitionDirectory())
    }
  }

  @discardableResult
  func runMovie(_ run: Run = Run()) throws(StageError) -> Int64 {
    let configuration = StageConfiguration(
      name: StageName.movie.rawValue, application: Self.application, instance: "0",
      inputs: [Topics.ratingsByMovie], outputs: Movie.outputs,
      changelog: Topics.movieChangelog(Self.application), tables: MovieTables.names,
      guarantee: guarantee, limits: limits)
    let clock = self.clock
    return try drain(configuration, run) { log throws(StageError) in
      try Movie(log, clientID: "movie", refreshInterval: .seconds(1), now: { clock.now })
    }
  }

  /// How the predict stage is set in a test.
  struct Serving {
    var keptModels = 3
    var shadowModel: String?
    /// Milliseconds since 1970.
    var time: () -> Int64 = { 0 }
    var inBackground: (@escaping @Sendable () -> Void) -> Void = { $0() }
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
    let storage = self.storage
    directory.replace(
      try (0..<partitions).map { partition in
        let stage = StageName.user.rawValue
        return (
          partition,
          try storage.open(stage: stage, partition: partition, tables: UserTables.names)
        )
      })
    let configuration = StageConfiguration(
      name: StageName.predict.rawValue, application: Self.application, instance: "0",
      inputs: [Topics.requests], outputs: Predict.outputs, guarantee: .atLeastOnce,
      limits: limits, followed: directory)
    let clock = self.clock
    let monitor = PredictMonitor()
    let environment = PredictEnvironment(
      application: Self.application, keptModels: serving.keptModels,
      shadowModel: serving.shadowModel, monitor: monitor,
      logger: serving.logger, now: { clock.now }, time: serving.time,
      inBackground: serving.inBackground)
    let count = Int(partitions)
    try drain(configuration, run) { log throws(StageError) in
      try Predict(
        log, clientID: "predict", directory: directory,
        partitionOf: { key in
          KeyPartitioner.partition(of: key.withUnsafeBytes { [UInt8]($0) }, among: count)
        }, environment: environment)
    }
    return monitor.snapshot
  }

  func runAll() throws(StageError) {
    try runIntake()
    try runUser()
    try runMovie()
  }

  private typealias Intake = IntakeOperator<MemoryStore, MemoryProducer, MemoryConsumer>
  private typealias User = UserOperator<MemoryStore, MemoryProducer>
  private typealias Movie = MovieOperator<MemoryStore, MemoryProducer, MemoryConsumer>
  private typealias Predict = PredictOperator<MemoryStore, MemoryProducer, MemoryConsumer>

  @discardableResult
  private func drain<Operator: StageOperator & ~Copyable>(
    _ configuration: StageConfiguration, _ run: Run,
    makeOperator: @escaping (MemoryLog) throws(StageError) -> Operator
  ) throws(StageError) -> Int64
  where Operator.Store == MemoryStore, Operator.Producer == MemoryProducer {
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
    let environment = StageEnvironment(
      configuration: configuration, log: log, storage: storage.mounted(process),
      events: monitor.sink, stop: stop,
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
    let loop = StageLoop(environment) { () throws(StageError) in try makeOperator(log) }
    try loop.run()
    return monitor.snapshot.batches
  }
}

import EventLog
import Pipeline
import Ratings
import RedisProjection
public import Simulation
import StateStore
public import Streams

/// The product's own stages, from ratings to features in Redis.
// Only who has the scheduler's baton touches it.
public final class PipelineScenario: Scenario, @unchecked Sendable {
  private static let application = "app"

  public let stages = [StageName.intake, .user, .movie, .redis].map(\.rawValue)
  public let groups = [StageName.intake, .user, .movie, .redis].map { "app-\($0.rawValue)" }
  public let stores: [StorePlace]
  private let log: MemoryLog
  private let guarantee: ProcessingGuarantee
  /// Of topics keyed by user, and of those keyed by movie.
  private let partitions: (users: Int32, movies: Int32)
  private let limits: BatchLimits
  private let redis: MemoryRedis
  private let projection = FeastProjection(project: "simulation", version: .v3)
  private var feed: RatingFeed
  private var checker: PipelineChecker
  /// Whether what comes now is of another `user-ratings` than the one that was fed.
  private var isRemade = false

  public init(_ world: SeededRun<PipelineScenario>.World, _ random: inout SeededGenerator) {
    log = world.log
    guarantee = world.guarantee
    let users = Int32.random(in: 1...3, using: &random)
    let movies = Int32.random(in: 1...2, using: &random)
    partitions = (users, movies)
    limits = BatchLimits(
      records: Int.random(in: 1...20, using: &random), busyRecords: random.oneIn(3) ? 0 : 1_000,
      linger: .milliseconds(random.oneIn(2) ? 0 : Int.random(in: 1...200, using: &random)))
    stores =
      (0..<users).map { StorePlace(stage: StageName.user.rawValue, partition: $0) }
      + (0..<movies).map { StorePlace(stage: StageName.movie.rawValue, partition: $0) }
    redis = MemoryRedis(fences: world.canary != .redisUnfenced)
    checker = PipelineChecker(guarantee, projection)
    feed = RatingFeed(log, partitions: users)
    let byUser = [
      Topics.userRatings, Topics.validatedRatings, Topics.deadLetters, Topics.userFeatures,
      Topics.userChangelog(Self.application),
    ]
    let byMovie = [
      Topics.validationResults, Topics.ratingsByMovie, Topics.movieFeatures, Topics.movies,
      Topics.movieChangelog(Self.application),
    ]
    for topic in byUser { log.createTopic(topic, partitions: Int(users)) }
    for topic in byMovie { log.createTopic(topic, partitions: Int(movies)) }
  }

  /// Runs a seed.
  public static func run(seed: UInt64, _ options: SimulationOptions) -> SeedReport {
    SeededRun(seed: seed, name: "pipeline", options: options) { PipelineScenario($0, &$1) }.run()
  }

  // MARK: Stages

  private typealias Intake = IntakeOperator<MemoryStore, MemoryProducer, MemoryConsumer>
  private typealias User = UserOperator<MemoryStore, MemoryProducer>
  private typealias Movie = MovieOperator<MemoryStore, MemoryProducer, MemoryConsumer>
  private typealias Redis = RedisOperator<MemoryStore, MemoryProducer, MemoryFeatureSink>

  public func run(_ stage: String, on instance: InstanceContext) throws(StageError) {
    func environment(
      _ inputs: [String], _ outputs: [String], changelog: String? = nil, tables: [String] = [],
      _ guarantee: ProcessingGuarantee
    ) -> StageEnvironment<MemoryLog, MemoryStorage> {
      instance.environment(
        StageConfiguration(
          name: stage, application: Self.application, instance: instance.name, inputs: inputs,
          outputs: outputs, changelog: changelog, tables: tables, guarantee: guarantee,
          limits: limits))
    }
    let log = instance.log
    switch StageName(rawValue: stage) {
    case .intake:
      try StageLoop(environment([Topics.userRatings], Intake.outputs, guarantee)) {
        () throws(StageError) in try Intake(log, clientID: "intake")
      }.run()
    case .user:
      let environment = environment(
        [Topics.validatedRatings], User.outputs,
        changelog: Topics.userChangelog(Self.application), tables: UserTables.names, guarantee)
      try StageLoop(environment) {
        User(log, clientID: "user", directory: PartitionDirectory())
      }.run()
    case .movie:
      let environment = environment(
        [Topics.ratingsByMovie], Movie.outputs,
        changelog: Topics.movieChangelog(Self.application), tables: MovieTables.names, guarantee)
      let clock = instance.scheduler.clock
      try StageLoop(environment) { () throws(StageError) in
        try Movie(log, clientID: "movie", refreshInterval: .seconds(1), now: { clock.now })
      }.run()
    case .redis:
      let environment = environment(Redis.inputs, [], .atLeastOnce)
      try StageLoop(environment) { [redis, projection] in
        Redis(
          projection: projection, generation: 1, sink: MemoryFeatureSink(redis, instance.process),
          logger: instance.logger)
      }.run()
    case .predict, nil:
      throw .failed(
        Reason(.internalError, "the simulation has no stage \(stage)"), .stopDaemon)
    }
  }

  // MARK: Input

  public func feed(_ random: inout SeededGenerator) throws {
    if feed.valid.isEmpty, feed.invalid.isEmpty {
      try feed.feedCatalog(partitions: partitions.movies)
    }
    try feed.feed(&random)
  }

  public func clean(_ random: inout SeededGenerator) throws {
    for partition in 0..<partitions.users {
      if random.oneIn(2) {
        try log.compact(TopicPartition(Topics.userFeatures, partition))
      }
      if guarantee == .exactlyOnce, random.oneIn(2) {
        try log.compact(TopicPartition(Topics.userChangelog(Self.application), partition))
      }
    }
    for partition in 0..<partitions.movies where random.oneIn(2) {
      try log.compact(TopicPartition(Topics.movieFeatures, partition))
    }
  }

  public func deleteUnprocessedInput() throws -> Bool {
    let committed = log.committedOffsets(of: groups[0])
    for partition in 0..<partitions.users {
      let input = TopicPartition(Topics.userRatings, partition)
      let end = try log.offsets(of: input).upperBound
      guard let position = committed[input], end > position else { continue }
      try log.truncate(input, before: end)
      return true
    }
    return false
  }

  /// Sends one of the valid events again, under another timestamp.
  public func remakeInput() throws -> String? {
    for partition in 0..<partitions.users {
      let input = TopicPartition(Topics.userRatings, partition)
      let known = try log.records(of: input).first {
        feed.valid.contains(SourceCoordinates(partition: partition, offset: $0.offset))
      }
      guard let known else { continue }
      isRemade = true
      log.createTopic(Topics.userRatings, partitions: Int(partitions.users))
      try log.append(to: input, key: known.key, value: known.value)
      return "topic_recreated"
    }
    return nil
  }

  public func flushProjection() -> String? {
    redis.flush()
    return "\(Self.application)-\(StageName.redis.rawValue)"
  }

  // MARK: Checks

  public func check(_ fact: LogFact) throws {
    guard !isRemade else { return }
    try checker.check(fact, feed)
    if let stepBack = redis.stepBack { throw Violation(stepBack) }
  }

  public func check(_ store: StorePlace, in storage: MemoryStorage) throws {
    let isUser = store.stage == StageName.user.rawValue
    let changelog =
      isUser
      ? Topics.userChangelog(Self.application) : Topics.movieChangelog(Self.application)
    let end = try log.offsets(of: TopicPartition(changelog, store.partition)).upperBound
    let offset = storage.changelogOffset(stage: store.stage, partition: store.partition)
    guard offset ?? 0 <= end else {
      throw Violation("the store \(store) is at \(offset ?? 0), its changelog ends at \(end)")
    }
    if isUser, !storage.isUnfinished(stage: store.stage, partition: store.partition) {
      try checker.checkUserStore(store.partition, in: storage, feed)
    }
  }

  public func checkRestored(_ store: StorePlace, in storage: MemoryStorage) throws {
    try check(store, in: storage)
    guard !storage.isUnfinished(stage: store.stage, partition: store.partition) else {
      throw Violation("the store \(store) is unfinished")
    }
    let input =
      store.stage == StageName.user.rawValue ? Topics.validatedRatings : Topics.ratingsByMovie
    let end = checker.ends[TopicPartition(input, store.partition)] ?? 0
    let meta = storage.contents(of: .meta, stage: store.stage, partition: store.partition)
    let position = try meta[Position.key].map { try Position(decoding: $0.span.bytes).inputOffset }
    guard position ?? 0 == end else {
      throw Violation("the store \(store) was restored to \(position ?? 0), not to \(end)")
    }
  }

  public func remaining() throws -> String? {
    let inputs = [
      [Topics.userRatings], [Topics.validatedRatings], [Topics.ratingsByMovie], Redis.inputs,
    ]
    for (group, topics) in zip(groups, inputs) {
      let committed = log.committedOffsets(of: group)
      let ends = checker.ends.filter { topics.contains($0.key.topic) }
      for (place, end) in ends.sorted(by: { $0.key.description < $1.key.description }) {
        let position = committed[place] ?? 0
        if position < end { return "\(group) is at \(position) in \(place), which ends at \(end)" }
      }
    }
    return try checker.remaining(feed, redis)
  }

  public func checkDrained() throws {
    // A movie stage that was told to stop may have published its movies once more, after the redis
    // stage had stopped.
    if let remaining = try checker.remaining(feed, nil) { throw Violation(remaining) }
  }
}

import EventLog
import Pipeline
import Ratings
import RedisProjection
public import Simulation
import StateStore
public import Streams

/// The product's own stages, from ratings to features in Redis, and any others on top of them.
// Only who has the scheduler's baton touches it.
public final class PipelineScenario: Scenario, @unchecked Sendable {
  public typealias Program = SimulatedTopology.Program

  public var stages: [String] { simulated.stages }
  public var groups: [String] { simulated.groups }
  public var stores: [StorePlace] { simulated.stores }
  private let topology: Topology
  private let log: MemoryLog
  private let guarantee: ProcessingGuarantee
  /// Of topics keyed by user, and of those keyed by movie.
  private let partitions: (users: Int32, movies: Int32)
  private let redis: MemoryRedis
  private var simulated: SimulatedTopology
  private var feed: RatingFeed
  private var checker: PipelineChecker
  /// Whether what comes now is of another `user-ratings` than the one that was fed.
  private var isRemade = false

  /// - Parameter additional: stages besides the product's.
  public init(
    _ world: SeededRun<PipelineScenario>.World, _ random: inout SeededGenerator,
    additional: [Program] = []
  ) {
    log = world.log
    guarantee = world.guarantee
    let users = Int32.random(in: 1...3, using: &random)
    let movies = Int32.random(in: 1...2, using: &random)
    partitions = (users, movies)
    let limits = BatchLimits(
      records: Int.random(in: 1...20, using: &random), busyRecords: random.oneIn(3) ? 0 : 1_000,
      linger: .milliseconds(random.oneIn(2) ? 0 : Int.random(in: 1...200, using: &random)))
    let redis = MemoryRedis(fences: world.canary != .redisUnfenced)
    self.redis = redis
    let projection = FeastProjection(project: "simulation", version: .v3)
    // Requests are answered from outside the simulated world: by a model, before a deadline.
    let own = Topology.product.filter { !$0.pacing.answersRequests }
    let topology = Topology(own + additional.map(\.declaration), application: "app")
    self.topology = topology
    simulated = SimulatedTopology(
      topology, in: log, guarantee: guarantee, limits: limits,
      partitions: { $0.partitions == TopicDeclaration.byUser ? users : movies },
      placesByCluster: world.canary == .placesByCluster,
      programs: { instance in
        [
          .intake(topology), .user(topology, directory: PartitionDirectory()),
          .movie(topology, refreshInterval: .seconds(1)),
          .redis(projection, generation: 1, logger: instance.logger) {
            MemoryFeatureSink(redis, instance.process)
          },
        ] + additional
      })
    checker = PipelineChecker(topology, guarantee, projection)
    feed = RatingFeed(log, topology, partitions: users)
  }

  /// Runs a seed.
  ///
  /// - Parameter additional: stages besides the product's.
  public static func run(
    seed: UInt64, _ options: SimulationOptions, additional: [Program] = []
  ) -> SeedReport {
    SeededRun(seed: seed, name: "pipeline", options: options) {
      PipelineScenario($0, &$1, additional: additional)
    }.run()
  }

  public func run(_ stage: String, on instance: InstanceContext) throws(StageError) {
    try simulated.run(stage, on: instance)
  }

  // MARK: Input

  public func feed(_ random: inout SeededGenerator) throws {
    if feed.valid.isEmpty, feed.invalid.isEmpty {
      try feed.feedCatalog(partitions: partitions.movies)
    }
    try feed.feed(&random)
  }

  public func clean(_ random: inout SeededGenerator) throws {
    if random.oneIn(4) { _ = simulated.grow(&random) }
    for partition in 0..<partitions.users {
      if random.oneIn(2) {
        try log.compact(TopicPartition(topology[.userFeatures], partition))
      }
      if guarantee == .exactlyOnce, random.oneIn(2), let changelog = topology.changelog(of: .user) {
        try log.compact(TopicPartition(changelog, partition))
      }
    }
    for partition in 0..<partitions.movies where random.oneIn(2) {
      try log.compact(TopicPartition(topology[.movieFeatures], partition))
    }
  }

  public func deleteUnprocessedInput() throws -> Bool {
    let committed = log.committedOffsets(of: topology.group(of: .intake))
    for partition in 0..<partitions.users {
      let input = TopicPartition(topology[.userRatings], partition)
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
      let input = TopicPartition(topology[.userRatings], partition)
      let known = try log.records(of: input).first {
        feed.valid.contains(SourceCoordinates(partition: partition, offset: $0.offset))
      }
      guard let known else { continue }
      isRemade = true
      log.createTopic(topology[.userRatings], partitions: Int(partitions.users))
      try log.append(to: input, key: known.key, value: known.value)
      return "topic_recreated"
    }
    return nil
  }

  public func flushProjection() -> String? {
    redis.flush()
    return topology.group(of: .redis)
  }

  // MARK: Checks

  public func check(_ fact: LogFact) throws {
    guard !isRemade else { return }
    simulated.note(fact)
    try checker.check(fact, feed)
    if let stepBack = redis.stepBack { throw Violation(stepBack) }
  }

  public func check(_ store: StorePlace, in storage: MemoryStorage) throws {
    try simulated.check(store, in: storage)
    if store.stage == StageDeclaration.user.name,
      !storage.isUnfinished(stage: store.stage, partition: store.partition)
    {
      try checker.checkUserStore(store.partition, in: storage, feed)
    }
  }

  public func checkRestored(_ store: StorePlace, in storage: MemoryStorage) throws {
    try check(store, in: storage)
    try simulated.checkRestored(store, in: storage)
  }

  public func remaining() throws -> String? {
    if let remaining = simulated.remaining() { return remaining }
    return try checker.remaining(feed, redis)
  }

  public func checkDrained() throws {
    // A movie stage that was told to stop may have published its movies once more, after the redis
    // stage had stopped.
    if let remaining = try checker.remaining(feed, nil) { throw Violation(remaining) }
  }
}

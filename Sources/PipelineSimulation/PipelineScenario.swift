public import EventLog
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
  private let identity: ProjectionIdentity
  /// What Redis was at some time, to fall back to.
  private var replica = MemoryRedis.Content()
  private var simulated: SimulatedTopology
  private var feed: RatingFeed
  private var checker: PipelineChecker
  private let settings: SettingsChoice
  /// Whether what comes now is of another topic than the one that was checked.
  private var isRemade = false
  /// Whether the stores are of another log than the one that is there.
  private var isReplaced = false

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
    let identity = ProjectionIdentity(
      projection: projection, application: "app", cluster: "simulated", generation: 1)
    self.identity = identity
    let settings = SettingsChoice(
      SeededGenerator(seed: random.next()), forgets: world.canary == .presentPolicy)
    self.settings = settings
    let user: Program =
      if world.canary == .watermark {
        .watermarkedUser(topology, in: world.log)
      } else {
        .user(topology, directory: PartitionDirectory())
      }
    simulated = SimulatedTopology(
      topology, in: log, guarantee: guarantee, limits: limits,
      partitions: { $0.partitions == TopicDeclaration.byUser ? users : movies },
      placesByCluster: world.canary == .placesByCluster,
      programs: { instance in
        [
          .intake(topology, settings.environment(of: instance.name)), user,
          .movie(topology, refreshInterval: .seconds(1)),
          .redis(topology, identity, logger: instance.logger) {
            MemoryFeatureSink(redis, projection, instance.process)
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
    if stage == StageDeclaration.intake.name { settings.change(of: instance.name) }
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
  public func remakeInput() throws -> Reason.Code? {
    for partition in 0..<partitions.users {
      let input = TopicPartition(topology[.userRatings], partition)
      let known = try log.records(of: input).first {
        feed.valid.contains(SourceCoordinates(partition: partition, offset: $0.offset))
      }
      guard let known else { continue }
      isRemade = true
      log.recreateTopic(topology[.userRatings])
      try log.append(to: input, key: known.key, value: known.value)
      return .topicRecreated
    }
    return nil
  }

  public var replayableGroup: String? { topology.group(of: .intake) }

  public func anyOffsets(_ random: inout SeededGenerator) throws -> [TopicPartition: Int64] {
    checker.noteReplay()
    var offsets: [TopicPartition: Int64] = [:]
    for partition in 0..<partitions.users {
      let input = TopicPartition(topology[.userRatings], partition)
      let held = try log.offsets(of: input)
      offsets[input] = Int64.random(in: held.lowerBound...held.upperBound, using: &random)
    }
    return offsets
  }

  /// Intake's group is set ahead, which must stop the stage, or the movie stage's anywhere, which
  /// has no effect.
  public func foreignOffsets(_ random: inout SeededGenerator) throws -> ForeignOffsets? {
    let isRefused = random.oneIn(2)
    let stage: StageDeclaration = isRefused ? .intake : .movie
    let group = topology.group(of: stage)
    let committed = log.committedOffsets(of: group)
    var offsets: [TopicPartition: Int64] = [:]
    for (place, position) in committed.sorted(by: { $0.key.partition < $1.key.partition }) {
      let held = try log.offsets(of: place)
      offsets[place] =
        isRefused ? held.upperBound : Int64.random(in: 0...held.upperBound, using: &random)
      if offsets[place] == position { offsets[place] = nil }
    }
    return offsets.isEmpty
      ? nil : ForeignOffsets(group: group, offsets: offsets, isRefused: isRefused)
  }

  public var borrowed: (group: String, topics: [String]) {
    (topology.group(of: .intake), topology.inputs(of: .intake))
  }

  /// Puts the intake group back to where the stage has recorded that it stands.
  public func restoreOffsets() throws {
    guard let topic = StageDeclaration.intake.positions.map({ topology[$0] }) else { return }
    let group = topology.group(of: .intake)
    var offsets: [TopicPartition: Int64] = [:]
    for record in try log.records(of: TopicPartition(topic, 0)) {
      guard let key = record.key, let value = record.value,
        let partition = Int32(String(decoding: key, as: UTF8.self)),
        let position = RecordedPosition(decoding: value.span.bytes)
      else { throw Violation("a recorded position can't be read") }
      offsets[TopicPartition(topology[.userRatings], partition)] = position.nextOffset
    }
    log.setOffsets(offsets, of: group, stamp: .released(by: "\(group)-operator"))
  }

  public func replaceLog(_ random: inout SeededGenerator) throws -> Reason.Code? {
    guard try log.offsets(of: TopicPartition(topology[.validatedRatings], 0)).upperBound > 0
    else { return nil }
    (isRemade, isReplaced) = (true, true)
    switch Int.random(in: 0..<3, using: &random) {
    case 0: log.setClusterID("another")
    case 1:
      guard let changelog = topology.changelog(of: .user) else { return nil }
      log.recreateTopic(changelog)
    default:
      let input = topology[.ratingsByMovie]
      guard try log.offsets(of: TopicPartition(input, 0)).upperBound > 0 else { return nil }
      log.recreateTopic(input)
      return .topicRecreated
    }
    return .storeOfAnotherLog
  }

  public func upsetProjection(_ random: inout SeededGenerator) -> String? {
    switch Int.random(in: 0..<5, using: &random) {
    case 0:
      redis.become(MemoryRedis.Content())
      return "flush Redis"
    case 1:
      redis.become(MemoryRedis.Content(rows: redis.all))
      return "Redis forgets whose its rows are"
    case 2:
      redis.become(foreign(&random))
      return "another log takes Redis"
    case 3:
      redis.become(replica)
      return "Redis falls back to an old replica"
    default:
      replica = redis.copy
      return "a replica of Redis stops"
    }
  }

  /// What another application, or this one on another cluster, leaves in Redis.
  private func foreign(_ random: inout SeededGenerator) -> MemoryRedis.Content {
    var content = MemoryRedis.Content(rows: random.oneIn(2) ? redis.all : [:])
    for entity in 0..<Int64.random(in: 1...9, using: &random) {
      let view = Int.random(in: 0...1, using: &random)
      var key: [UInt8] = []
      identity.projection.views[view].key.append(entity, to: &key)
      content.rows[MemoryRedis.Key(view: view, bytes: key)] = MemoryRedis.Row(
        fence: Fence(generation: UInt64.random(in: 1...3, using: &random), offset: 1_000_000),
        content: [0, 0, 0, 0])
    }
    if random.oneIn(4) { return content }
    var owner = identity.owner
    if random.oneIn(2) { owner.application = "other" } else { owner.cluster = "other" }
    content.record = ProjectionRecord(owner: owner, epoch: 3)
    return content
  }

  public func claimProjection() -> String? {
    let content = redis.copy
    if content.record?.owner == identity.owner { return nil }
    let newest = content.rows.values.map(\.fence.generation).max()
    let record = identity.record(after: content.record, newest: newest)
    redis.become(MemoryRedis.Content(rows: content.rows, record: record))
    return "claim Redis from \(content.record?.owner.description ?? "nobody")"
  }

  // MARK: Checks

  public func check(_ fact: LogFact) throws {
    simulated.note(fact)
    try checker.check(fact, feed)
    if let stepBack = redis.stepBack { throw Violation(stepBack) }
  }

  public func check(_ store: StorePlace, in storage: MemoryStorage) throws {
    guard !isReplaced else { return }
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

import EventLog
import Logging
import RedisProjection
import Streams
import Synchronization

@testable import Pipeline
@testable import PipelineSimulation
@testable import Simulation

/// The redis stage on a log and a Redis in memory.
struct ProjectionBed {
  var chain: Chain
  let redis = MemoryRedis(fences: true)
  var identity = ProjectionIdentity(
    projection: FeastProjection(project: "movies", version: .v3), application: "app",
    cluster: "c1", generation: 1)

  init(partitions: Int32 = 2) { chain = Chain(partitions: partitions) }

  /// Rates some movies and computes their features.
  func rate(_ users: ClosedRange<Int64>, at seconds: Int64 = 1_600_000_000) throws {
    for user in users {
      try chain.rate(user, user % 3, 4, at: seconds + user, partition: 0)
    }
    try chain.runAll()
  }

  /// Runs the stage until its input has been dry for a few polls, or it only waits.
  ///
  /// - Parameters:
  ///   - faults: which calls of Redis fail.
  ///   - events: takes the stage's events.
  ///   - time: what the ages of records are counted by, in milliseconds since 1970.
  ///   - onIdle: called with the number of dry polls before.
  /// - Returns: why it waited or joined its group again.
  @discardableResult
  func run(
    faults: Faults = Faults(), events: EventSink = .none, time: Int64? = nil,
    onIdle: @escaping @Sendable (Int) -> Void = { _ in }
  ) throws(StageError) -> [Reason] {
    let reasons = Mutex<[Reason]>([])
    let stop = StopSignal()
    let clock = chain.clock
    let polls = Mutex(0)
    let pauses = Mutex(0)
    let configuration = Chain.topology.configuration(
      of: .redis, instance: "0", settings: StageSettings(limits: chain.limits),
      pacing: StagePacing())
    let process = SimulatedProcess(
      "redis",
      onIdle: { group in
        guard group == configuration.group else { return }
        let before = polls.withLock { count in
          count += 1
          return count - 1
        }
        onIdle(before)
        clock.advance(by: .milliseconds(100))
        if before >= 60 { stop.stop() }
      })
    var environment = StageEnvironment(
      configuration: configuration, log: chain.log.connected(process),
      storage: chain.storage.mounted(process),
      events: EventSink { event in
        events.receive(event)
        switch event.kind {
        case .waiting(let reason), .rejoining(let reason, _):
          reasons.withLock { $0.append(reason) }
        default: break
        }
      }, stop: stop, now: { clock.now },
      pause: { duration in
        clock.advance(by: duration)
        let count = pauses.withLock { count in
          count += 1
          return count
        }
        if count > 200 { stop.stop() }
      })
    if let time { environment.time = { time } }
    let (redis, projection) = (redis, identity.projection)
    let program = StageProgram<MemoryLog, MemoryStorage>.redis(
      Chain.topology, identity,
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    ) { FaultySink(MemoryFeatureSink(redis, projection, SimulatedProcess()), faults) }
    try program.run(environment)
    return reasons.withLock { $0 }
  }

  /// What `check` finds in Redis.
  func difference() throws -> String? {
    let partitions = Chain.topology.inputs(of: .redis).flatMap { topic in
      (0..<chain.partitions).map { TopicPartition(topic, $0) }
    }
    let sink = MemoryFeatureSink(redis, identity.projection, SimulatedProcess())
    return try ProjectedLog(
      chain.log, Chain.topology, clientID: "check", identity: identity, sink: sink
    ).difference(partitions)
  }

  func claim() {
    let content = redis.copy
    let newest = content.rows.values.map(\.fence.generation).max()
    redis.become(
      MemoryRedis.Content(
        rows: content.rows, record: identity.record(after: content.record, newest: newest)))
  }

  /// The users that Redis has features of.
  var users: [Int64] {
    redis.all.filter { $0.key.view == 0 && $0.value.content != nil }
      .compactMap { identity.projection.user.key.int64(of: $0.key.bytes) }.sorted()
  }

  func key(_ user: Int64) -> MemoryRedis.Key {
    var bytes: [UInt8] = []
    identity.projection.user.key.append(user, to: &bytes)
    return MemoryRedis.Key(view: 0, bytes: bytes)
  }
}

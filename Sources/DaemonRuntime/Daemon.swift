import Configuration
import Console
import EventLog
import Foundation
import KafkaLog
import LMDBStore
import Logging
import Pipeline
import RedisProjection
import ServiceLifecycle
import Streams
import Wiring

/// The pipeline of one process: its stages on their threads.
final class Daemon: Sendable {
  private let settings: Settings
  private let instance: String
  private let cluster: String
  private let log: KafkaLog
  private let storage: LMDBStorage
  /// The threads hold it through the daemon, also those that outlive the deadline for stopping.
  private let lock: RootLock
  /// How many partitions each group of topics uses.
  private let counts: PartitionCounts
  private let letterLimit: Int
  private let requests: RequestPartitions
  private let watch: ClusterWatch?
  private let claims: NameClaims?
  private let rejoins: [String: RejoinRequest]
  private let logger: Logger
  private let events: EventSink
  private let threads: BlockingThreads
  private let stop: StopSignal
  private let directory = PartitionDirectory<LMDBStore>()
  private let stages: [StageDeclaration]
  private let monitors: [StageMonitor]
  private let standbys: [StandbyThread]
  private let predictMonitor = PredictMonitor()
  private let catalogFaults: CatalogFaults
  private let reporter: StatusReporter

  /// - Parameters:
  ///   - cluster: the id of the log's cluster.
  ///   - lock: of the storage.
  ///   - topics: as the cluster has them.
  ///   - events: receives the stages' events, in addition to the log.
  ///   - threads: run the stages.
  ///   - stop: makes the stages finish their batches and end.
  ///   - claims: of the instance's name; `nil` where nobody asks for them.
  ///   - isEmbedded: whether the broker is the embedded one, which has no more to watch.
  init(
    settings: Settings, instance: String, cluster: String, log: KafkaLog, storage: LMDBStorage,
    lock: RootLock, topics: TopicReport, events: EventSink, threads: BlockingThreads,
    stop: StopSignal, claims: NameClaims?, isEmbedded: Bool, logger: Logger
  ) {
    self.settings = settings
    self.instance = instance
    self.cluster = cluster
    self.log = log
    self.storage = storage
    self.lock = lock
    counts = topics.counts
    letterLimit = topics.entry(.deadLetters)?.maxMessageBytes ?? 16 << 20
    log.settings.recordTimes.note(topics.times)
    self.claims = claims
    let requests = RequestPartitions(
      of: directory, used: topics.counts.count(of: .requests) ?? 1, found: topics.found(.requests))
    self.requests = requests
    self.events = events
    self.threads = threads
    self.stop = stop
    self.logger = logger
    let topology = settings.topology
    stages = settings.stages.compactMap { topology.stage(named: $0) }
    monitors = stages.map { StageMonitor(stage: $0.name) }
    standbys = settings.standby == 0 ? [] : stages.filter(\.isStateful).map { StandbyThread($0) }
    catalogFaults = CatalogFaults(logger: logger)
    reporter = StatusReporter(monitors, predict: predictMonitor, logger: logger)
    let rejoins = Dictionary(
      uniqueKeysWithValues: stages.filter { $0.follows == nil }.map { ($0.name, RejoinRequest()) })
    self.rejoins = rejoins
    watch =
      isEmbedded
      ? nil
      : ClusterWatch(
        settings, topics, stages, instance: instance, times: log.settings.recordTimes,
        rejoins: rejoins, stop: stop, logger: logger
      ) { requests.note(found: $0) }
  }

  /// What has to run, in the order of its start.
  var services: [(name: String, service: any Service)] {
    let programs = Self.programs(
      settings, cluster: cluster, counts: counts, directory: directory, requests: requests,
      catalogFaults: catalogFaults, letterLimit: letterLimit, times: log.settings.recordTimes,
      predictEnvironment: { [self] in predictEnvironment })
    let stageServices = zip(stages, monitors).map { stage, monitor in
      guard let program = programs.first(where: { $0.declaration.name == stage.name }) else {
        preconditionFailure("nothing runs the stage \(stage.name)")
      }
      return ("stage-\(stage.name)", service(program, monitor) as any Service)
    }
    let watches = watch.map { [("watch", $0 as any Service)] } ?? []
    return [("status", reporter)] + watches
      + standbys.map { ("standby-\($0.stage.name)", service($0)) }
      + stageServices
  }

  private func service(_ standby: StandbyThread) -> ThreadService {
    let logging = EventSink.logging(settings.log.makeLogger(standby.stage.name))
    let environment = environment(standby.stage, .all([logging, events]))
    return ThreadService(threads: threads, name: "standby-\(standby.stage.name)", stop: stop) {
      [self] in standby.run(environment, copies: settings.standby)
    }
  }

  private func service(
    _ program: StageProgram<KafkaLog, LMDBStorage>, _ monitor: StageMonitor
  ) -> ThreadService {
    let stage = program.declaration
    let logging = EventSink.logging(settings.log.makeLogger(stage.name))
    let environment = environment(
      stage, .all([monitor.sink, logging, events, reporter.sink]), followed: program.followed)
    return ThreadService(
      threads: threads, name: "stage-\(stage.name)", niceness: stage.pacing.niceness, stop: stop
    ) { [self] in
      var environment = environment
      environment.findRival = claims?.take(for: stage)
      environment.rejoin = rejoins[stage.name]
      do throws(StageError) { try program.run(environment) } catch {
        logger.critical(
          "a stage can't go on, stopping",
          metadata: ["stage": "\(stage.name)", "reason": "\(error)"])
        throw StageFailure(status: ExitStatus(of: error as any Error) ?? .failure)
      }
    }
  }

  // MARK: Stages

  /// The operators of all stages. A stage more is one line here.
  ///
  /// - Parameters:
  ///   - cluster: the id of the log's cluster.
  ///   - counts: how many partitions each group of topics uses.
  ///   - requests: the partitions that the predict stage reads.
  ///   - catalogFaults: receives the records of `movies` that are skipped.
  ///   - letterLimit: `max.message.bytes` of the dead letters' topic.
  ///   - times: that the topics accept.
  static func programs(
    _ settings: Settings, cluster: String, counts: PartitionCounts,
    directory: PartitionDirectory<LMDBStore>, requests: any PartitionFeed,
    catalogFaults: CatalogFaults = CatalogFaults(), letterLimit: Int = 16 << 20,
    times: RecordTimes = RecordTimes(),
    predictEnvironment: @escaping @Sendable () -> PredictEnvironment
  ) -> [StageProgram<KafkaLog, LMDBStorage>] {
    let topology = settings.topology
    let identity = settings.projectionIdentity(cluster: cluster)
    let users = counts.count(of: .requests) ?? 1
    let changes = topology[.ratingsByMovie]
    return [
      .intake(
        topology,
        IntakeEnvironment(
          policy: settings.intakePolicy, zone: { TimeZones.offsets(named: $0) },
          catalogFaults: catalogFaults, letterLimit: letterLimit)),
      .user(topology, directory: directory),
      .movie(topology, refreshInterval: settings.movie.refreshInterval) {
        times[changes].isNone
      },
      .redis(
        topology, identity, logger: settings.log.makeLogger(StageDeclaration.redis.name)
      ) { RedisSink(identity.projection, settings.redisConfiguration) },
      .predict(
        directory: directory, requests: requests,
        partitionOf: { KafkaPartitioner.partition(key: $0, count: users) },
        makeEnvironment: predictEnvironment),
    ]
  }

  private func environment(
    _ stage: StageDeclaration, _ events: EventSink, followed: (any PartitionFeed)? = nil
  ) -> StageEnvironment<KafkaLog, LMDBStorage> {
    var environment = StageEnvironment(
      configuration: settings.topology.configuration(
        of: stage, instance: instance, settings: settings.stageSettings, followed: followed,
        counts: counts),
      log: log, storage: storage, events: events, stop: stop,
      pause: { Thread.sleep(forTimeInterval: $0 / .seconds(1)) })
    // The embedded broker can't look offsets up by time, and keeps nothing that is old.
    if stage.pacing.answersRequests, watch != nil {
      environment.expiry = RecordExpiry(age: settings.predict.maxAge, time: { Self.milliseconds })
    }
    environment.time = { Self.milliseconds }
    environment.releaseMemory = { ClientMemory.trim() }
    environment.inBackground = { DispatchQueue.global().async(execute: $0) }
    let upstream = settings.topology.upstream(of: stage).map(\.name)
    // With some of them elsewhere it is not known whether there is a backlog.
    if Set(upstream).isSubset(of: stages.map(\.name)) {
      environment.upstream = zip(stages, monitors).filter { upstream.contains($0.0.name) }.map(\.1)
    }
    environment.standby = standbys.first(where: { $0.stage == stage })?.copies
    return environment
  }

  /// Since 1970.
  static var milliseconds: Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

  private var predictEnvironment: PredictEnvironment {
    let shadow = settings.predict.shadowModel
    var environment = PredictEnvironment(
      topology: settings.topology, keptModels: settings.predict.keptModels,
      shadowModel: shadow.isEmpty ? nil : shadow,
      requiresCatalog: settings.predict.requireCatalog, maxAge: settings.predict.maxAge,
      monitor: predictMonitor,
      logger: settings.log.makeLogger(StageDeclaration.predict.name),
      now: { .now },
      time: { Self.milliseconds },
      inBackground: { DispatchQueue.global(qos: .utility).async(execute: $0) })
    environment.diversityPercent = settings.predict.diversity
    environment.catalogFaults = catalogFaults
    return environment
  }
}

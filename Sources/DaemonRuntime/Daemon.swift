import Configuration
import Console
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
  private let log: KafkaLog
  private let storage: LMDBStorage
  /// The threads hold it through the daemon, also those that outlive the deadline for stopping.
  private let lock: RootLock
  private let partitions: Int32
  private let logger: Logger
  private let events: EventSink
  private let threads: BlockingThreads
  private let stop: StopSignal
  private let directory = PartitionDirectory<LMDBStore>()
  private let monitors: [StageMonitor]
  private let standbys: [StandbyThread]
  private let predictMonitor = PredictMonitor()
  private let reporter: StatusReporter

  /// - Parameters:
  ///   - lock: of the storage.
  ///   - partitions: how many partitions the user-keyed topics have.
  ///   - events: receives the stages' events, in addition to the log.
  ///   - threads: run the stages.
  ///   - stop: makes the stages finish their batches and end.
  init(
    settings: Settings, instance: String, log: KafkaLog, storage: LMDBStorage, lock: RootLock,
    partitions: Int32, events: EventSink, threads: BlockingThreads, stop: StopSignal, logger: Logger
  ) {
    self.settings = settings
    self.instance = instance
    self.log = log
    self.storage = storage
    self.lock = lock
    self.partitions = partitions
    self.events = events
    self.threads = threads
    self.stop = stop
    self.logger = logger
    monitors = settings.stages.map { StageMonitor(stage: $0.rawValue) }
    standbys =
      settings.standby == 0
      ? [] : settings.stages.filter(\.isStateful).map { StandbyThread(stage: $0) }
    reporter = StatusReporter(monitors, predict: predictMonitor, logger: logger)
  }

  /// What has to run, in the order of its start.
  var services: [(name: String, service: any Service)] {
    [("status", reporter)] + standbys.map { ("standby-\($0.stage.rawValue)", service($0)) }
      + zip(settings.stages, monitors).map { ("stage-\($0.rawValue)", service($0, $1)) }
  }

  private func service(_ standby: StandbyThread) -> ThreadService {
    let logging = EventSink.logging(settings.log.makeLogger(standby.stage.rawValue))
    let environment = environment(standby.stage, .all([logging, events]))
    return ThreadService(threads: threads, name: "standby-\(standby.stage.rawValue)", stop: stop) {
      [self] in standby.run(environment, copies: settings.standby)
    }
  }

  private func service(_ stage: StageName, _ monitor: StageMonitor) -> ThreadService {
    let loop = loop(stage, monitor)
    return ThreadService(
      threads: threads, name: "stage-\(stage.rawValue)", niceness: stage.niceness, stop: stop
    ) { [self] in
      do throws(StageError) { try loop() } catch {
        logger.critical(
          "a stage can't go on, stopping",
          metadata: ["stage": "\(stage.rawValue)", "reason": "\(error)"])
        throw StageFailure(status: ExitStatus(of: error as any Error) ?? .failure)
      }
    }
  }

  // MARK: Stages

  private func loop(_ stage: StageName, _ monitor: StageMonitor)
    -> @Sendable () throws(StageError) -> Void
  {
    let logger = settings.log.makeLogger(stage.rawValue)
    let environment = environment(
      stage, .all([monitor.sink, .logging(logger), events, reporter.sink]))
    let clientID = environment.configuration.clientID
    return switch stage {
    case .intake:
      { [log] () throws(StageError) in
        try StageLoop(environment) { () throws(StageError) in
          try IntakeOperator<LMDBStore, KafkaProducer, KafkaConsumer>(log, clientID: clientID)
        }.run()
      }
    case .user:
      { [log, directory] () throws(StageError) in
        try StageLoop(environment) {
          UserOperator<LMDBStore, KafkaProducer>(log, clientID: clientID, directory: directory)
        }.run()
      }
    case .movie:
      { [log, settings] () throws(StageError) in
        try StageLoop(environment) { () throws(StageError) in
          try MovieOperator<LMDBStore, KafkaProducer, KafkaConsumer>(
            log, clientID: clientID, refreshInterval: settings.movie.refreshInterval,
            now: { .now })
        }.run()
      }
    case .redis:
      { [settings] () throws(StageError) in
        try StageLoop(environment) {
          RedisOperator<LMDBStore, KafkaProducer, FeatureWriter>(
            projection: settings.feastProjection, generation: UInt64(settings.redis.generation),
            sink: FeatureWriter(settings.redisConfiguration), logger: logger)
        }.run()
      }
    case .predict:
      { [self, log, directory, partitions] () throws(StageError) in
        try StageLoop(environment) { () throws(StageError) in
          try PredictOperator<LMDBStore, KafkaProducer, KafkaConsumer>(
            log, clientID: clientID, directory: directory,
            partitionOf: { KafkaPartitioner.partition(key: $0, count: partitions) },
            environment: self.predictEnvironment(logger))
        }.run()
      }
    }
  }

  private func environment(_ stage: StageName, _ events: EventSink)
    -> StageEnvironment<KafkaLog, LMDBStorage>
  {
    var environment = StageEnvironment(
      configuration: configuration(stage), log: log, storage: storage, events: events,
      stop: stop,
      pause: { Thread.sleep(forTimeInterval: $0 / .seconds(1)) })
    environment.releaseMemory = { ClientMemory.trim() }
    environment.inBackground = { DispatchQueue.global().async(execute: $0) }
    let upstream = zip(settings.stages, monitors).filter { stage.upstream.contains($0.0) }
    // With some of them elsewhere it is not known whether there is a backlog.
    if upstream.count == stage.upstream.count { environment.upstream = upstream.map(\.1) }
    environment.standby = standbys.first(where: { $0.stage == stage })?.copies
    return environment
  }

  private func predictEnvironment(_ logger: Logger) -> PredictEnvironment {
    let shadow = settings.predict.shadowModel
    return PredictEnvironment(
      application: settings.application, keptModels: settings.predict.keptModels,
      shadowModel: shadow.isEmpty ? nil : shadow, monitor: predictMonitor, logger: logger,
      now: { .now },
      time: { Int64(Date().timeIntervalSince1970 * 1000) },
      inBackground: { DispatchQueue.global(qos: .utility).async(execute: $0) })
  }

  private func configuration(_ stage: StageName) -> StageConfiguration {
    let application = settings.application
    func configuration(
      inputs: [String], outputs: [String], changelog: String? = nil, tables: [String] = [],
      guarantee: ProcessingGuarantee, followed: (any PartitionFeed)? = nil
    ) -> StageConfiguration {
      StageConfiguration(
        name: stage.rawValue, application: application, instance: instance, inputs: inputs,
        outputs: outputs, changelog: changelog, tables: tables, guarantee: guarantee,
        limits: settings.limits(of: stage), gathering: settings.gathering(of: stage),
        leavesOnStop: settings.shutdown.partitions == .leave, followed: followed)
    }
    let guarantee = settings.processing.guarantee
    return switch stage {
    case .intake:
      configuration(
        inputs: [Topics.userRatings],
        outputs: IntakeOperator<LMDBStore, KafkaProducer, KafkaConsumer>.outputs,
        guarantee: guarantee)
    case .user:
      configuration(
        inputs: [Topics.validatedRatings],
        outputs: UserOperator<LMDBStore, KafkaProducer>.outputs,
        changelog: Topics.userChangelog(application), tables: UserTables.names,
        guarantee: guarantee)
    case .movie:
      configuration(
        inputs: [Topics.ratingsByMovie],
        outputs: MovieOperator<LMDBStore, KafkaProducer, KafkaConsumer>.outputs,
        changelog: Topics.movieChangelog(application), tables: MovieTables.names,
        guarantee: guarantee)
    case .redis:
      configuration(
        inputs: RedisOperator<LMDBStore, KafkaProducer, FeatureWriter>.inputs, outputs: [],
        guarantee: .atLeastOnce)
    case .predict:
      // Replies repeat after a crash rather than get lost: they wait for no transaction.
      configuration(
        inputs: [Topics.requests],
        outputs: PredictOperator<LMDBStore, KafkaProducer, KafkaConsumer>.outputs,
        guarantee: .atLeastOnce, followed: directory)
    }
  }
}

import EventLog
import Foundation
import KafkaLog
import LMDBStore
import Logging
import Pipeline
import RedisProjection
import Streams

/// The running pipeline of one process: its stages on their threads, from start to an orderly end.
final class Daemon: Sendable {
  private let settings: Settings
  private let instance: String
  private let log: KafkaLog
  private let storage: LMDBStorage
  private let partitions: Int32
  private let logger: Logger
  private let events: EventSink
  private let shutdown: Shutdown
  private let directory = PartitionDirectory<LMDBStore>()
  private let threads: [StageThread]
  private let standbys: [StandbyThread]
  private let predictMonitor = PredictMonitor()

  /// - Parameters:
  ///   - partitions: how many partitions the user-keyed topics have.
  ///   - events: takes what the stages tell, in addition to the log.
  init(
    settings: Settings, instance: String, log: KafkaLog, storage: LMDBStorage, partitions: Int32,
    shutdown: Shutdown, events: EventSink, logger: Logger
  ) {
    self.settings = settings
    self.instance = instance
    self.log = log
    self.storage = storage
    self.partitions = partitions
    self.shutdown = shutdown
    self.events = events
    self.logger = logger
    threads = settings.stages.map {
      StageThread(stage: $0.rawValue, monitor: StageMonitor(stage: $0.rawValue))
    }
    standbys =
      settings.standby == 0
      ? [] : settings.stages.filter(\.isStateful).map { StandbyThread(stage: $0) }
  }

  var status: [StageStatus] { threads.map(\.monitor.snapshot) }

  /// Runs until the stages have finished their batches after a shutdown has begun. A stage that can't go
  /// on begins it.
  func run() {
    ClientMemory.limitArenas()
    let ended = DispatchSemaphore(value: 0)
    for (stage, thread) in zip(settings.stages, threads) {
      start(stage, thread) { [shutdown] error in
        if let error { shutdown.stageFailed(stage.rawValue, error) }
        ended.signal()
      }
    }
    for standby in standbys {
      let logging = EventSink.logging(settings.log.makeLogger(standby.stage.rawValue))
      standby.start(
        environment(standby.stage, .all([logging, events])), copies: settings.standby
      ) { ended.signal() }
    }
    let reporter = StatusReporter(
      threads.map(\.monitor), predict: predictMonitor, logger: logger)
    var remaining = threads.count + standbys.count
    while remaining > 0 {
      if ended.wait(timeout: .now() + .milliseconds(50)) == .success {
        remaining -= 1
      } else {
        reporter.look()
      }
    }
  }

  // MARK: Stages

  private func start(
    _ stage: StageName, _ thread: StageThread, ended: @escaping @Sendable (StageError?) -> Void
  ) {
    let logger = settings.log.makeLogger(stage.rawValue)
    let environment = environment(stage, .all([thread.monitor.sink, .logging(logger), events]))
    let clientID = environment.configuration.clientID
    let body: @Sendable () throws(StageError) -> Void =
      switch stage {
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
    thread.start(niceness: stage.niceness, body, ended: ended)
  }

  private func environment(_ stage: StageName, _ events: EventSink)
    -> StageEnvironment<KafkaLog, LMDBStorage>
  {
    var environment = StageEnvironment(
      configuration: configuration(stage), log: log, storage: storage, events: events,
      stop: shutdown.stop,
      pause: { Thread.sleep(forTimeInterval: $0 / .seconds(1)) })
    environment.releaseMemory = { ClientMemory.trim() }
    environment.inBackground = { DispatchQueue.global().async(execute: $0) }
    let upstream = threads.filter { thread in
      stage.upstream.contains { $0.rawValue == thread.stage }
    }
    // With some of them elsewhere it is not known whether there is a backlog.
    if upstream.count == stage.upstream.count { environment.upstream = upstream.map(\.monitor) }
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

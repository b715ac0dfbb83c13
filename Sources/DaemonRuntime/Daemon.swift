import Configuration
import Foundation
import KafkaLog
import LMDBStore
import Logging
import Pipeline
import RedisProjection
import Streams
import Wiring

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
    let topology = settings.topology
    let stages = settings.stages.compactMap { topology.stage(named: $0) }
    threads = stages.map { StageThread(stage: $0.name, monitor: StageMonitor(stage: $0.name)) }
    standbys =
      settings.standby == 0 ? [] : stages.filter(\.isStateful).map { StandbyThread($0) }
  }

  var status: [StageStatus] { threads.map(\.monitor.snapshot) }

  /// Runs until the stages have finished their batches after a shutdown has begun. A stage that can't go
  /// on begins it.
  func run() {
    ClientMemory.limitArenas()
    let ended = DispatchSemaphore(value: 0)
    let programs = Self.programs(
      settings, partitions: partitions, directory: directory,
      predictEnvironment: { self.predictEnvironment })
    for thread in threads {
      guard let program = programs.first(where: { $0.declaration.name == thread.stage }) else {
        preconditionFailure("nothing runs the stage \(thread.stage)")
      }
      start(program, thread) { [shutdown] error in
        if let error { shutdown.stageFailed(thread.stage, error) }
        ended.signal()
      }
    }
    for standby in standbys {
      let logging = EventSink.logging(settings.log.makeLogger(standby.stage.name))
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

  /// The operators of all stages. A stage more is one line here.
  ///
  /// - Parameter partitions: how many the user-keyed topics have.
  static func programs(
    _ settings: Settings, partitions: Int32, directory: PartitionDirectory<LMDBStore>,
    predictEnvironment: @escaping @Sendable () -> PredictEnvironment
  ) -> [StageProgram<KafkaLog, LMDBStorage>] {
    let topology = settings.topology
    return [
      .intake(topology),
      .user(topology, directory: directory),
      .movie(topology, refreshInterval: settings.movie.refreshInterval),
      .redis(
        settings.feastProjection, generation: UInt64(settings.redis.generation),
        logger: settings.log.makeLogger(StageDeclaration.redis.name)
      ) { FeatureWriter(settings.redisConfiguration) },
      .predict(
        directory: directory,
        partitionOf: { KafkaPartitioner.partition(key: $0, count: partitions) },
        makeEnvironment: predictEnvironment),
    ]
  }

  private func start(
    _ program: StageProgram<KafkaLog, LMDBStorage>, _ thread: StageThread,
    ended: @escaping @Sendable (StageError?) -> Void
  ) {
    let logging = EventSink.logging(settings.log.makeLogger(thread.stage))
    let environment = environment(
      program.declaration, .all([thread.monitor.sink, logging, events]),
      followed: program.followed)
    thread.start(
      niceness: program.declaration.pacing.niceness,
      { () throws(StageError) in try program.run(environment) }, ended: ended)
  }

  private func environment(
    _ stage: StageDeclaration, _ events: EventSink, followed: (any PartitionFeed)? = nil
  ) -> StageEnvironment<KafkaLog, LMDBStorage> {
    var environment = StageEnvironment(
      configuration: settings.topology.configuration(
        of: stage, instance: instance, settings: settings.stageSettings, followed: followed),
      log: log, storage: storage, events: events, stop: shutdown.stop,
      pause: { Thread.sleep(forTimeInterval: $0 / .seconds(1)) })
    environment.releaseMemory = { ClientMemory.trim() }
    environment.inBackground = { DispatchQueue.global().async(execute: $0) }
    let upstream = settings.topology.upstream(of: stage).map(\.name)
    // With some of them elsewhere it is not known whether there is a backlog.
    if Set(upstream).isSubset(of: threads.map(\.stage)) {
      environment.upstream = threads.filter { upstream.contains($0.stage) }.map(\.monitor)
    }
    environment.standby = standbys.first(where: { $0.stage == stage })?.copies
    return environment
  }

  private var predictEnvironment: PredictEnvironment {
    let shadow = settings.predict.shadowModel
    return PredictEnvironment(
      topology: settings.topology, keptModels: settings.predict.keptModels,
      shadowModel: shadow.isEmpty ? nil : shadow, monitor: predictMonitor,
      logger: settings.log.makeLogger(StageDeclaration.predict.name),
      now: { .now },
      time: { Int64(Date().timeIntervalSince1970 * 1000) },
      inBackground: { DispatchQueue.global(qos: .utility).async(execute: $0) })
  }
}

package import Configuration
import Console
import EventLog
import KafkaLog
import LMDBStore
package import Logging
import Pipeline
import StateStore
package import Streams
import Wiring

/// Verifies the state of all partitions: stores of this machine, page by page and entry by entry,
/// Redis, and the verdicts.
package struct StateVerification {
  private let settings: Settings
  private let cluster: VerifiedCluster
  private let comparesRedis: Bool
  /// How long to wait for the stages to catch up before Redis is compared.
  private let patience: Duration
  /// When nothing is waited for any longer.
  private let deadline: ContinuousClock.Instant
  /// How many differences to show of each partition.
  private let shown: Int
  /// Which offsets `validation-results` had at the beginning.
  private let verdicts: [TopicPartition: Range<Int64>]

  package init(
    _ settings: Settings, _ logger: Logger, comparesRedis: Bool, patience: Duration, shown: Int
  ) throws {
    cluster = try VerifiedCluster(settings, logger)
    self.settings = settings
    self.comparesRedis = comparesRedis
    self.patience = patience
    deadline = .now + patience
    self.shown = shown
    verdicts = try cluster.log.bounds(of: settings.topology[.validationResults])
  }

  /// What there is to verify: all partitions of the topics, whether or not there is a store.
  package func partitions(stage: StageDeclaration?, partition: Int32?) throws
    -> [VerifiedPartition]
  {
    try VerifiedPartition.all(
      in: settings.storage, settings.topology, cluster.log, stage: stage, partition: partition)
  }

  /// The partitions of users' events that hold records and that no instance has ever read. Waits
  /// for a daemon that has yet to take up new ones.
  ///
  /// - Parameter partition: the only one to look at; `nil` for all.
  package func unreadPartitions(_ partition: Int32?) throws -> [UnreadPartition] {
    try UnreadPartitions(
      settings: settings, cluster: cluster, logger: cluster.logger, patience: patience
    ).find(partition: partition)
  }

  package func verify(_ place: VerifiedPartition) throws -> VerifyReport {
    do {
      var report = try examine(place)
      report.nameRemedies(
        store: place.store?.path,
        recomputation: settings.topology.recomputation(of: place.schema.stage))
      return report
    } catch let failure as UnfitStore {
      var report = VerifyReport(place, problem: "the store \(failure.difference)")
      report.remedies = [failure.remedy]
      return report
    } catch let failure as ReplayFailure {
      var report = VerifyReport(place, problem: failure.message)
      report.remedies = [failure.error.remedy]
      return report
    }
  }

  private func examine(_ place: VerifiedPartition) throws -> VerifyReport {
    guard let store = place.store else { return try missing(place) }
    do {
      return try compare(place, store)
    } catch let failure as CommandFailure where failure.status == .stateDiffers {
      return VerifyReport(place, problem: failure.message)
    }
  }

  /// The store does not stand for the log at hand.
  private struct UnfitStore: Error {
    let difference: String
    let remedy: String
  }

  /// A partition without a store stands for nothing, which is right where nothing is to stand for.
  private func missing(_ place: VerifiedPartition) throws -> VerifyReport {
    let input = TopicPartition(
      settings.topology[place.schema.stage.inputs[0]], place.partition)
    let asking = try cluster.log.makeConsumer(
      ConsumerConfiguration(topics: [input.topic], group: nil, clientID: "projectionist-verify"))
    defer { asking.close() }
    let held = try asking.offsets(of: input)
    let gap = LogGap(cluster.log, clientID: "projectionist-verify-gap")
    guard try gap.holdsRecords(input, held) else {
      return VerifyReport(place, isEmpty: true)
    }
    return VerifyReport(place, problem: "this machine has no store of it")
  }

  private func compare(_ place: VerifiedPartition, _ store: StorePlace) throws -> VerifyReport {
    let reader: LMDBReader
    let origin: StoreOrigin?
    do throws(StoreError) {
      reader = try store.open()
      try reader.check()
      origin = try reader.snapshot().origin()
    } catch {
      throw CommandFailure(.stateDiffers, error.message)
    }
    if let difference = try store.difference(
      of: origin, settings, clusterID: cluster.id, cluster.log)
    {
      throw UnfitStore(difference: difference, remedy: StorePlace.originRemedy(store.path))
    }
    if let difference = try store.inputDifference(of: reader.snapshot(), settings, cluster.log) {
      // What the log has says nothing of such a state.
      throw UnfitStore(difference: difference, remedy: StorePlace.inputRemedy)
    }
    let projection =
      comparesRedis
      ? try RedisVerification(
        settings, cluster, place: place, patience: max(.seconds(1), deadline - .now)) : nil
    var problem = try projection?.waitForStore(reader)
    if let problem, try !store.isInUse {
      throw UnfitStore(
        difference: "is not in use on this machine: \(problem)",
        remedy: "run this command on the machine whose daemon owns the partition, or start one here"
      )
    }
    let snapshot = try reader.snapshot()
    let outcome = try StoreVerification(
      settings: settings, log: cluster.log, logger: cluster.logger, place: store, shown: shown
    ).run(snapshot)
    snapshot.release()
    var report = VerifyReport(place, store, outcome)
    guard let projection else { return report }
    try report.addRedis {
      if problem == nil { problem = try projection.waitForRedisStage() }
      if let problem { return .problem(problem) }
      return .compared(try projection.run(outcome.features, shown: shown))
    }
    return report
  }

  // MARK: Verdicts

  /// Counts the valid verdicts against the events that the state of all partitions stands for.
  ///
  /// - Returns: `nil` when not all partitions of the user stage are among the reports, or some
  ///   could not be compared.
  package func verifyVerdicts(_ reports: [VerifyReport]) throws -> VerdictReport? {
    let compared = reports.filter {
      $0.stage == StageDeclaration.user.name && $0.problem == nil
    }
    let all = try partitions(stage: .user, partition: nil)
    guard Set(all.map(\.partition)) == Set(compared.map(\.partition)) else { return nil }
    let events = try cluster.log.bounds(of: settings.topology[.validatedRatings])
    let ratings = settings.topology[.userRatings]
    var report = try VerdictVerification(log: cluster.log, shown: shown).run(
      verdicts: verdicts, events: events, topic: ratings)
    report.nameRemedy(
      group: settings.topology.group(of: .intake), topic: ratings,
      settings.kafkaSettings.tools)
    return report
  }
}

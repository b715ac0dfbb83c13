package import Configuration
import Console
import EventLog
import Foundation
import KafkaLog
package import Logging
import Pipeline
package import Processes
package import Recommender
import Streams
import Wiring

/// Trains again and again next to the daemon, and promotes what is no worse than what serves.
///
/// All that it knows is on the log: which model was decided about last, and up to where it was
/// trained. A model, the verdict on it and its role are one transaction, so a kill between any two
/// steps leaves either all of them or none, and the next start goes on from there.
package final class TrainerService {
  /// What was decided about a model.
  package typealias Told = (_ version: String, _ verdict: ModelVerdict) -> Void

  /// The service is to end, or has lost its place.
  private struct Ended: Error {}

  private static let pause = Duration.seconds(1)
  /// After a failed training.
  private static let longPause = Duration.seconds(60)

  private let settings: Settings
  private let logger: Logger
  private let plan: TrainerPlan
  private let training: ModelTraining
  private let interruption: Interruption
  private let told: Told
  private let log: KafkaLog
  private let name: String
  /// The last sentence that was logged about why nothing goes on.
  private var complaint: String?
  private var hasPlace = false

  /// - Parameter told: gets each verdict, once it is on the log.
  package init(
    _ settings: Settings, _ logger: Logger, _ plan: TrainerPlan, _ training: ModelTraining,
    _ interruption: Interruption, told: @escaping Told
  ) {
    self.settings = settings
    self.logger = logger
    self.plan = plan
    self.training = training
    self.interruption = interruption
    self.told = told
    log = settings.makeShortTransactionLog(logger)
    let host = ProcessInfo.processInfo.hostName
    name = settings.topology.name(
      ofPart: "trainer-\(host)-\(ProcessInfo.processInfo.processIdentifier)")
  }

  /// Runs until the interruption; whatever is away is waited for.
  package func run() throws {
    let topology = settings.topology
    let place = TrainerPlace(
      log, topic: topology[.models], group: topology.name(ofPart: "trainer"), clientID: name)
    defer { place.leave(within: .seconds(10)) }
    while !interruption.isRequested {
      do {
        try awaitPlace(place)
        try work(in: place)
      } catch is Ended {
        hasPlace = false
        if !interruption.isRequested {
          logger.warning("the trainer's place is lost: this one waits for it again")
        }
      } catch let error as LogError where error.reaction != .stopDaemon {
        complain("\(error)")
        interruption.pause(Self.pause)
      } catch let error as RatingCacheError {
        complain("\(error)")
        interruption.pause(Self.pause)
      }
    }
    logger.notice("stopped")
  }

  /// Says why nothing goes on, once.
  private func complain(_ text: String) {
    guard complaint != text else { return }
    complaint = text
    logger.warning("waiting", metadata: ["reason": "\(text)"])
  }

  private func awaitPlace(_ place: TrainerPlace) throws {
    while true {
      if interruption.isRequested { throw Ended() }
      switch place.current {
      case .held:
        guard !hasPlace else { return }
        hasPlace = true
        complaint = nil
        return logger.notice("this is the trainer", metadata: ["name": "\(name)"])
      case .failed(let error):
        guard error.reaction != .stopDaemon else { throw error }
        complain("\(error)")
      case .behindAnother:
        complain("another trainer is at work: this one takes its place when it ends")
      case .joining: break
      }
      interruption.pause(.milliseconds(100))
    }
  }

  // MARK: Work

  /// Another application's daemons would serve what is trained.
  private func checkOwner() throws {
    let topics = try settings.makeAdmin(logger).topics()
    do throws(StageError) { try TopicOwners(settings, logger).check(topics) } catch {
      if case .log(let failure) = error { throw failure }
      throw error
    }
  }

  private func work(in place: TrainerPlace) throws {
    func step() throws {
      guard !interruption.isRequested, place.current == .held else { throw Ended() }
    }
    try checkOwner()
    let topic = try TrainerTopic(log, settings.topology, clientID: "projectionist-trainer")
    let cache = try RatingCache(
      topic.sources,
      file: { DiskCacheFile($0, in: "\(settings.stateRoot)/training") },
      tell: { [logger] in logger.notice("\($0)") })
    var earliest = ContinuousClock.now
    while true {
      try step()
      let ends = try topic.ends()
      try update(cache, topic, to: ends)
      try step()
      try topic.poll()
      complaint = nil
      if topic.catalog.assembler.roles[.shadow] != nil {
        try settleShadow(topic)
      } else if ContinuousClock.now >= earliest, try isDue(topic.catalog, cache) {
        do { try trainCandidate(topic, cache, to: cache.ends, step) } catch let error
          as CommandFailure
        {
          logger.error("the training failed", metadata: ["reason": "\(error)"])
          earliest = .now + Self.longPause
        }
      }
      interruption.pause(Self.pause)
    }
  }

  private func update(_ cache: RatingCache<DiskCacheFile>, _ topic: TrainerTopic, to ends: [Int64])
    throws
  {
    var progress = ProgressBar(
      "reading ratings", unit: "records",
      goal: .count(
        Int(
          zip(ends, cache.ends).reduce(0) {
            $0 + max(0, $1.0 - $1.1)
          })))
    var last = 0
    try topic.update(cache, to: ends) { read, _ in
      last = Int(read)
      progress.update(last)
      return !interruption.isRequested
    }
    progress.close(last)
  }

  private func isDue(_ catalog: ModelCatalog, _ cache: RatingCache<DiskCacheFile>) throws -> Bool {
    let newest = catalog.newestDecision
    var offsets = newest?.trainedTo ?? []
    // A topic that was made again has none of these ratings.
    if zip(offsets, cache.ends).contains(where: { $0 > $1 }) { offsets = [] }
    return plan.schedule.isDue(
      decided: newest?.milliseconds, now: Moment.milliseconds,
      newRatings: try cache.count(from: offsets))
  }

  private func trainCandidate(
    _ topic: TrainerTopic, _ cache: RatingCache<DiskCacheFile>, to ends: [Int64],
    _ step: () throws -> Void
  ) throws {
    let serving = topic.catalog.assembler.promoted
    let ratings = try cache.ratings(below: ends)
    logger.notice(
      "training", metadata: ["ratings": "\(ratings.count)", "users": "\(ratings.users.count)"])
    let users = try serving.flatMap { try knownUsers(of: $0.metadata, cache) }
    let candidate = try Candidate(
      ratings, to: ends, against: serving, training, Gate(ratio: plan.gate),
      knows: { users?.contains($0) ?? true }, step: step)
    try step()
    let version = candidate.model.model.version
    let verdict = try topic.decision(settings.modelWriterID)({ catalog in
      let verdict = candidate.verdict(
        servingNow: catalog.assembler.promotion.flatMap { promotion in
          catalog.assembler.models[promotion.version]?.version
        }, shadows: plan.shadow != nil, at: Moment.milliseconds)
      return (changes(candidate.model, verdict, catalog), verdict)
    })
    tell(version, verdict)
  }

  /// `nil` for all users: the model was not trained on this log.
  private func knownUsers(of model: ModelMetadata, _ cache: RatingCache<DiskCacheFile>) throws
    -> Set<Int64>?
  {
    let ends = cache.ends
    guard model.trainedTo.count == ends.count, zip(model.trainedTo, ends).allSatisfy({ $0 <= $1 })
    else { return nil }
    return try cache.users(below: model.trainedTo)
  }

  private func changes(
    _ published: PublishedModel, _ verdict: ModelVerdict, _ catalog: ModelCatalog
  ) -> [ModelChange] {
    let version = published.model.version
    var changes: [ModelChange] = [.publish(published), .verdict(version: version, verdict)]
    let role = ModelPromotion(
      version: version, reason: verdict.reason, milliseconds: verdict.milliseconds)
    switch verdict.decision {
    case .promoted:
      changes += catalog.promote(version, reason: verdict.reason, at: verdict.milliseconds).changes
      if catalog.assembler.roles[.candidate] != nil { changes.append(.role(.candidate, nil)) }
    case .shadowed: changes += [.role(.candidate, role), .role(.shadow, role)]
    case .kept: changes.append(.role(.candidate, role))
    }
    for old in catalog.prune(keeping: plan.keep - 1, and: version) {
      changes += catalog.delete(old.version) ?? []
    }
    return changes
  }

  private func tell(_ version: String, _ verdict: ModelVerdict) {
    let text =
      switch verdict.decision {
      case .promoted: "a model is promoted"
      case .shadowed: "a candidate answers as a shadow"
      case .kept: "a model stays a candidate"
      }
    logger.notice("\(text)", metadata: ["model": "\(version)", "reason": "\(verdict.reason)"])
    told(version, verdict)
  }

  // MARK: The shadow

  /// Decides about the shadow once its time is over.
  private func settleShadow(_ topic: TrainerTopic) throws {
    let trial = ShadowTrial(
      time: plan.shadow ?? .zero, least: plan.shadowLists, gate: Gate(ratio: plan.gate))
    if let reason = trial.wait(in: topic.catalog, at: Moment.milliseconds) {
      if reason.isLate { complain(reason.text) }
      return
    }
    let settled = try topic.decision(settings.modelWriterID)({ catalog in
      let settled = trial.settle(catalog, at: Moment.milliseconds)
      return (settled.changes, settled)
    })
    if let (version, verdict) = settled.decided { tell(version, verdict) }
  }
}

import Configuration
import Console
import KafkaLog
import Logging
import Pipeline
import ServiceLifecycle
import Streams
import Synchronization
import Wiring

/// Keeps the daemon on topics of its application's own: claims them before the stages start, and
/// stops the daemon when another application has taken them over, or when keys are to be placed
/// among another number of partitions.
final class OwnerWatch: Service {
  private static let interval = Duration.seconds(10)

  private let application: String
  private let owners: TopicOwners
  /// Its own, which nobody waits for at the end: a look may take as long as a broker that is gone
  /// lets it.
  private let threads = BlockingThreads()
  private let logger: Logger
  private let failed = Atomic(false)
  /// By which this daemon places keys.
  private let counts = Mutex(PartitionCounts())
  private let stop: StopSignal
  /// The instance that claims.
  private let instance = Mutex("")

  /// - Parameters:
  ///   - stop: ends what is waited for.
  ///   - whenSlow: called again and again while the claim waits for transactions to start.
  init(
    _ settings: Settings, logger: Logger, stop: StopSignal, whenSlow: @escaping @Sendable () -> Void
  ) {
    application = settings.application
    owners = TopicOwners(
      settings, settings.log.makeLogger("kafka"), isStopping: { stop.isStopped },
      whenSlow: whenSlow)
    self.logger = logger
    self.stop = stop
  }

  /// Throws when the topics belong to another application: then nothing else about them matters.
  func check(_ admin: KafkaAdmin) throws { try owners.check(try admin.topics()) }

  /// Claims the topics unless the application has them. Blocks.
  ///
  /// - Parameters:
  ///   - counts: how many partitions are used, unless another daemon has claimed them meanwhile.
  ///   - admin: looks for applications of versions that made no claims; `nil` on a broker that
  ///     doesn't list groups.
  /// - Returns: the counts in force.
  func claim(
    instance: String, counts: PartitionCounts, admin: KafkaAdmin?
  ) throws -> PartitionCounts {
    let outcome = try owners.claim(instance: instance, counts: counts, stop: stop)
    let inForce = outcome.claim.counts
    self.counts.withLock { $0 = inForce }
    self.instance.withLock { $0 = instance }
    guard case .claimed(_, nil) = outcome else { return inForce }
    logger.notice("the topics belong to this application from now on")
    if let admin { try warnOfOthers(admin) }
    return inForce
  }

  private func warnOfOthers(_ admin: KafkaAdmin) throws {
    let others = try owners.others(admin)
    guard !others.isEmpty else { return }
    logger.warning(
      "other applications have worked on these topics: give each a topics.prefix of its own",
      metadata: ["applications": "\(others.joined(separator: ","))"])
  }

  func run() async throws {
    // It only ends with the error of a cancelled sleep, or with another owner.
    do {
      try await cancelWhenGracefulShutdown { [self] in
        while true {
          try await Task.sleep(for: Self.interval)
          try await threads.run("owner") { [self] in try look() }
        }
      }
    } catch is CancellationError {}
  }

  /// - Throws: `StageFailure` when the topics belong to another application.
  private func look() throws(StageFailure) {
    let owner: TopicClaim?
    do throws(StageError) { owner = try owners.owner() } catch {
      // What goes on for long is said once. Whoever can't be asked has not refused anything.
      guard !failed.exchange(true, ordering: .relaxed) else { return }
      return logger.info("the topics' owner is not known", metadata: ["reason": "\(error)"])
    }
    failed.store(false, ordering: .relaxed)
    guard let owner else { return renew() }
    try check(owner)
    try check(owner.counts)
  }

  /// Claims the topics again: whoever came next could claim them although this daemon works on
  /// them.
  private func renew() {
    logger.warning("the control topic has lost the claim on the topics: claiming them again")
    do throws(StageError) {
      _ = try owners.claim(
        instance: instance.withLock(\.self), counts: counts.withLock(\.self), stop: stop)
    } catch {
      // The next look finds what has become of it.
      logger.warning("the topics can't be claimed", metadata: ["reason": "\(error)"])
    }
  }

  private func check(_ owner: TopicClaim) throws(StageFailure) {
    guard owner.application != application else { return }
    logger.critical(
      "another application has taken these topics over, stopping",
      metadata: [
        "code": "\(Reason.Code.topicsOwned.rawValue)", "owner": "\(owner.application)",
        "application": "\(application)",
      ])
    throw StageFailure(status: .topicsDiffer)
  }

  /// - Parameter claimed: empty in the claims of earlier versions.
  private func check(_ claimed: PartitionCounts) throws(StageFailure) {
    let used = counts.withLock { $0 }
    guard !claimed.byGroup.isEmpty, claimed != used else { return }
    logger.critical(
      "the topics were claimed with other numbers of partitions, stopping",
      metadata: [
        "code": "\(Reason.Code.partitionsGrown.rawValue)", "used": "\(used.text)",
        "claimed": "\(claimed.text)",
      ])
    throw StageFailure(status: .topicsDiffer)
  }
}

extension PartitionCounts {
  fileprivate var text: String {
    byGroup.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
  }
}

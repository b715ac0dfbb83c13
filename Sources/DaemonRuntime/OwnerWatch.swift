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
/// stops the daemon when another application has taken them over.
final class OwnerWatch: Service {
  private static let interval = Duration.seconds(10)

  private let application: String
  private let owners: TopicOwners
  /// Its own, which nobody waits for at the end: a look may take as long as a broker that is gone
  /// lets it.
  private let threads = BlockingThreads()
  private let logger: Logger
  private let failed = Atomic(false)

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
  }

  /// Throws when the topics belong to another application: then nothing else about them matters.
  func check(_ admin: KafkaAdmin) throws { try owners.check(try admin.topics()) }

  /// Claims the topics unless the application has them. Blocks.
  ///
  /// - Parameter admin: looks for applications of versions that made no claims; `nil` on a broker
  ///   that doesn't list groups.
  func claim(instance: String, admin: KafkaAdmin?, stop: StopSignal) throws {
    let outcome = try owners.claim(instance: instance, stop: stop)
    guard case .claimed(_, let before) = outcome else { return }
    logger.notice("the topics belong to this application from now on")
    guard before == nil, let admin else { return }
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
    guard let owner, owner.application != application else { return }
    logger.critical(
      "another application has taken these topics over, stopping",
      metadata: [
        "code": "\(Reason.Code.topicsOwned.rawValue)", "owner": "\(owner.application)",
        "application": "\(application)",
      ])
    throw StageFailure(status: .topicsDiffer)
  }
}

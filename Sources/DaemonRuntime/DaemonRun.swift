package import Configuration
package import Console
import Foundation
package import Logging

/// The daemon from its start to its end.
package struct DaemonRun: Sendable {
  private let settings: Settings
  private let logger: Logger
  /// Whether topics that are missing are created first.
  private let appliesTopics: Bool

  package init(_ settings: Settings, logger: Logger, appliesTopics: Bool) {
    self.settings = settings
    self.logger = logger
    self.appliesTopics = appliesTopics
  }

  /// Runs until a signal or a stage that can't go on. Ends the process when stopping takes longer
  /// than the configured deadline.
  ///
  /// - Returns: the exit status of the first stage that failed; `nil` after an orderly end.
  package func run() async throws -> ExitStatus? {
    let lifecycle = await Lifecycle(deadline: settings.shutdown.deadline, logger: logger)
    let threads = BlockingThreads()
    let service = DaemonService(
      settings: settings, appliesTopics: appliesTopics, lifecycle: lifecycle, threads: threads,
      logger: logger)
    let ending = try await Ending(threads) {
      try await lifecycle.run("daemon", service) {
        logger.notice("stopping: finishing the open batches")
      }
    }
    switch ending {
    case .stopped:
      logger.notice("stopped")
      return nil
    case .failed(let status): return status
    case .overdue(let status):
      // A batch that can't be finished, such as without a broker, is left to the next start, which
      // finds the state intact; waiting longer would gain nothing.
      logger.warning("shutdown deadline exceeded; open batches will be processed again")
      _exit(status.rawValue)
    }
  }
}

/// How a daemon's services have ended.
enum Ending: Hashable {
  case stopped
  /// With the status of the first stage that failed.
  case failed(ExitStatus)
  /// Some threads are still at work.
  case overdue(ExitStatus)

  /// - Parameter body: runs the services.
  /// - Throws: what `body` throws for another reason than a failed stage or the deadline.
  init(_ threads: BlockingThreads, of body: () async throws -> Void) async throws {
    var failure: ExitStatus?
    do { try await body() } catch let error as StageFailure {
      failure = error.status
    } catch is CancellationError {}
    if threads.areRunning {
      self = .overdue(failure ?? .failure)
    } else if let failure {
      self = .failed(failure)
    } else {
      self = .stopped
    }
  }
}

import Dispatch
import EventLog
import KafkaLog
import Logging
import Streams
import Synchronization

/// Logs once that the broker is unreachable and once that it answers again, whichever of the
/// process's clients notices: an idle one notices late.
final class BrokerWatch: Sendable {
  private let log: KafkaLog
  private let logger: Logger
  private let stop: StopSignal
  private let isLooking = Atomic(false)

  init(_ settings: KafkaSettings, logger: Logger, stop: StopSignal) {
    var settings = settings
    settings.requestTimeout = .seconds(1)
    // The watch's own client reports through its requests.
    settings.whenUnreachable = { _ in }
    log = KafkaLog(settings: settings, logger: logger)
    self.logger = logger
    self.stop = stop
  }

  /// Checks in the background whether the broker is reachable, unless a check is under way.
  func look() {
    guard !isLooking.exchange(true, ordering: .acquiringAndReleasing) else { return }
    DispatchQueue.global().async { [self] in
      defer { isLooking.store(false, ordering: .releasing) }
      do throws(LogError) { _ = try waitForBroker() } catch {
        logger.error("the broker refuses to answer", metadata: ["reason": "\(error)"])
      }
    }
  }

  /// Asks until the broker answers.
  ///
  /// - Returns: `nil` if the stop signal comes first.
  func waitForBroker() throws(LogError) -> KafkaAdmin.Cluster? {
    let admin = try log.makeAdmin(clientID: "projectionist-watch")
    var isWaiting = false
    while !stop.isStopped {
      do throws(LogError) {
        let cluster = try admin.cluster()
        if isWaiting { logger.notice("the broker answers") }
        return cluster
      } catch {
        guard error.code == .unavailable else { throw error }
        if !isWaiting {
          isWaiting = true
          logger.warning("waiting for the broker", metadata: ["reason": "\(error)"])
        }
      }
    }
    return nil
  }
}

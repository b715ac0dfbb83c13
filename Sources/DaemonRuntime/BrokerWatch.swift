import Dispatch
import EventLog
import Foundation
import KafkaLog
import Logging
import Streams
import Synchronization
import Wiring

/// Reasons to wait that are in the log already. A better one may come later, such as that a
/// connection which was not refused brings nothing.
struct WaitingNews {
  /// Some reasons differ with each attempt.
  private static let most = 5

  private var told: Set<String> = []

  mutating func isNew(_ reason: String) -> Bool {
    told.count < Self.most && told.insert(reason).inserted
  }
}

/// Logs once that the broker is unreachable and once that it answers again, whichever of the
/// process's clients notices: an idle one notices late.
final class BrokerWatch: Sendable {
  private let log: KafkaLog
  private let logger: Logger
  private let stop: StopSignal
  private let advertised: AdvertisedBrokers
  private let isLooking = Atomic(false)

  init(_ settings: KafkaSettings, logger: Logger, stop: StopSignal) {
    var settings = settings
    settings.requestTimeout = .seconds(1)
    // The watch's own client reports through its requests.
    settings.whenUnreachable = { _ in }
    // Whoever waits says why.
    var quiet = logger
    if quiet.logLevel >= .info { quiet.logLevel = .critical }
    log = KafkaLog(settings: settings, logger: quiet)
    advertised = AdvertisedBrokers(settings, quiet)
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

  /// Asks until the broker answers, at an address that the cluster advertises.
  ///
  /// - Returns: `nil` if the stop signal comes first.
  func waitForBroker() throws(LogError) -> KafkaAdmin.Cluster? {
    let admin = try log.makeAdmin(clientID: "projectionist-watch")
    var isWaiting = false
    var news = WaitingNews()
    while !stop.isStopped {
      do throws(LogError) {
        let cluster = try admin.cluster()
        if let obstacle = advertised.obstacle(in: cluster) { throw obstacle }
        if isWaiting { logger.notice("the broker answers") }
        return cluster
      } catch {
        guard error.code == .unavailable else { throw error }
        isWaiting = true
        if news.isNew("\(error)") {
          logger.warning("waiting for the broker", metadata: ["reason": "\(error)"])
        }
        // A broker that is away takes a second to say so, one of another cluster answers at once.
        Thread.sleep(forTimeInterval: 0.2)
      }
    }
    return nil
  }
}

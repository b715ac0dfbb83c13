import Configuration
import Dispatch
import EventLog
import Foundation
import KafkaLog
import Logging
import Pipeline
import Streams
import Synchronization
import Wiring

/// Says once why transactions don't start while producers wait for them, and once that they do.
final class TransactionWatch: Sendable {
  private static let pause = Duration.seconds(5)

  private let settings: Settings
  private let log: KafkaLog
  private let logger: Logger
  private let stop: StopSignal
  private let isLooking = Atomic(false)

  init(_ settings: Settings, logger: Logger, stop: StopSignal) {
    self.settings = settings
    log = settings.makeWatchLog(logger)
    self.logger = logger
    self.stop = stop
  }

  /// Looks in the background, unless it does already, until transactions start.
  func look() {
    guard !isLooking.exchange(true, ordering: .acquiringAndReleasing) else { return }
    DispatchQueue.global(qos: .utility).async { [self] in
      defer { isLooking.store(false, ordering: .releasing) }
      watch()
    }
  }

  private func watch() {
    var told: String?
    while !stop.isStopped {
      guard let obstacle = obstacle() else {
        if told != nil { logger.notice("transactions start") }
        return
      }
      if told != obstacle.description {
        told = obstacle.description
        logger.warning("waiting for transactions", metadata: ["reason": "\(obstacle)"])
      }
      let next = ContinuousClock.now + Self.pause
      while !stop.isStopped, ContinuousClock.now < next { Thread.sleep(forTimeInterval: 0.2) }
    }
  }

  /// Why a transaction does not start; `nil` if one does.
  private func obstacle() -> LogError? {
    let id = "\(settings.topology[.control])-watch-\(UInt32.random(in: .min ... .max))"
    do throws(LogError) {
      _ = try log.tryTransaction(id: id, topics: [], patience: .seconds(2))
      return nil
    } catch {
      guard let admin = try? log.makeAdmin(clientID: "projectionist-watch") else { return error }
      return admin.explain(error, .transactions, bootstrapServers: settings.bootstrapServers)
    }
  }
}

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
  /// One for the life of the process: brokers remember each for days.
  private let id: String
  private let isLooking = Atomic(false)

  init(_ settings: Settings, logger: Logger, stop: StopSignal) {
    self.settings = settings
    log = settings.makeWatchLog(logger)
    self.logger = logger
    self.stop = stop
    id = "\(settings.topology[.control])-watch-\(UInt32.random(in: .min ... .max))"
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
      let obstacle = obstacle()
      if let obstacle, told != obstacle.description {
        told = obstacle.description
        logger.warning("waiting for transactions", metadata: ["reason": "\(obstacle)"])
      }
      if obstacle == nil, told != nil { logger.notice("transactions start") }
      // Also after a success: producers that wait for something else call again at once.
      let next = ContinuousClock.now + Self.pause
      while !stop.isStopped, ContinuousClock.now < next { Thread.sleep(forTimeInterval: 0.2) }
      if obstacle == nil { return }
    }
  }

  /// Why a transaction does not start; `nil` if one does.
  private func obstacle() -> LogError? {
    do throws(LogError) {
      _ = try log.tryTransaction(id: id, topics: [], patience: .seconds(2))
      return nil
    } catch {
      guard let admin = try? log.makeAdmin(clientID: "projectionist-watch") else { return error }
      return admin.explain(error, .transactions, settings.kafkaSettings.tools)
    }
  }
}

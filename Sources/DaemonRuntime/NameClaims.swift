import Configuration
import EventLog
import Foundation
import KafkaLog
import Logging
import Pipeline
import Streams
import Synchronization
import Wiring

/// Claims the instance's name for this process, by stage: see `InstanceClaim`.
///
/// A daemon that can't goes on without: only a second process with its name would show the
/// difference.
final class NameClaims: Sendable {
  private let instance: String
  /// A stage that follows another one is no member of a group, so nobody replaces it.
  private let claims: [String: InstanceClaim<KafkaLog>]
  private let logger: Logger
  private let hasFailed = Atomic(false)

  init(_ settings: Settings, instance: String, logger: Logger) {
    let topology = settings.topology
    let log = settings.makeWatchLog(logger)
    let now = Int64(Date().timeIntervalSince1970 * 1000)
    let mark = InstanceClaim<KafkaLog>.mark(startedAt: now)
    // Hardly anything is written there.
    let place = TopicPartition(topology[.control], 0)
    let members = settings.stages.compactMap(topology.stage).filter { $0.follows == nil }
    claims = Dictionary(
      uniqueKeysWithValues: members.map { stage in
        let claimant = topology.claimant(of: stage, instance: instance)
        return (stage.name, InstanceClaim(log, claimant, place: place, mark: mark))
      })
    self.instance = instance
    self.logger = logger
  }

  /// Takes the name for a stage. A new client takes half a second to find the group's coordinator,
  /// so each stage does this in its own thread.
  ///
  /// - Returns: asks whether another process has the name meanwhile. If the broker doesn't answer,
  ///   the next replacement asks again.
  func take(for stage: StageDeclaration) -> (@Sendable () -> Reason?)? {
    guard let claim = claims[stage.name] else { return nil }
    do throws(LogError) { try claim.take() } catch {
      warn(error)
      return nil
    }
    return { do throws(LogError) { return try claim.findRival() } catch { return nil } }
  }

  private func warn(_ error: LogError) {
    guard !hasFailed.exchange(true, ordering: .relaxed) else { return }
    logger.warning(
      "the instance's name can't be claimed: a second process of that name would not be noticed",
      metadata: ["instance": "\(instance)", "reason": "\(error)"])
  }
}

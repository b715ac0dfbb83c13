import Configuration
import EventLog
import KafkaLog
import LMDBStore
import Pipeline
import StateStore
import Streams

extension StorePlace {
  /// How the log of a store or a copy differs from the configured one, in words; `nil` when it does
  /// not, or when nobody can tell.
  ///
  /// - Parameters:
  ///   - origin: what the store says of its log.
  ///   - clusterID: of the cluster at hand; `nil` where the broker can't be asked.
  func difference(
    of origin: StoreOrigin?, _ settings: Settings, clusterID: String?, _ log: KafkaLog
  ) throws(LogError) -> String? {
    guard let origin else { return nil }
    let met = StoreOrigin(
      cluster: clusterID ?? origin.cluster, application: settings.application,
      input: settings.topology.inputs(of: schema.stage)[0], partitions: origin.partitions)
    if let difference = origin.difference(from: met) { return difference }
    guard clusterID != nil, let changelog = settings.topology.changelog(of: schema.stage) else {
      return nil
    }
    return try origin.changelogDifference(
      in: log, TopicPartition(changelog, partition), clientID: "projectionist-origin")
  }

  /// How the store's input differs from the topic that it was computed from, in words; `nil` when
  /// it does not, or when nobody can tell.
  func inputDifference(of snapshot: LMDBSnapshot, _ settings: Settings, _ log: KafkaLog) throws
    -> String?
  {
    let source = TopicPartition(settings.topology.inputs(of: schema.stage)[0], partition)
    guard let last = try snapshot.position()?.last else { return nil }
    do throws(LogError) {
      guard let loss = try last.loss(from: source, of: log, clientID: "projectionist-input") else {
        return nil
      }
      return "stands for \(source) up to offset \(last.offset), but \(loss): the topic was deleted"
        + " and created again"
    } catch {
      guard error.code == .unknownTopic else { throw error }
      return "stands for \(source), which is gone: the topic was deleted"
    }
  }

  /// What to do about stores whose input was made again.
  static let inputRemedy =
    "start the daemon, or start it again: it stops, and says how to go on with the new topic"

  /// What to do about stores of another log.
  ///
  /// - Parameter path: where they are.
  static func originRemedy(_ path: String) -> String {
    "correct kafka.bootstrap.servers or the application; if they are right, stop the daemon and move"
      + " \(path) away: the state is then rebuilt from this log"
  }
}

import Configuration
import EventLog
import KafkaLog
import LMDBStore
import Pipeline
import StateStore
import Streams

extension StorePlace {
  /// How the store's log differs from the one at hand, in words; `nil` when it does not, or when
  /// nobody can tell.
  func originDifference(_ settings: Settings, clusterID: String, _ log: KafkaLog) throws -> String?
  {
    guard let origin = try open().snapshot().origin() else { return nil }
    let met = StoreOrigin(
      cluster: clusterID, application: settings.application,
      input: settings.topology.inputs(of: schema.stage)[0], partitions: origin.partitions)
    if let difference = origin.difference(from: met) { return difference }
    guard let changelog = settings.topology.changelog(of: schema.stage) else { return nil }
    return try origin.changelogDifference(
      in: log, TopicPartition(changelog, partition), clientID: "projectionist-origin")
  }

  /// What to do about a store of another log.
  static func originRemedy(_ settings: Settings) -> String {
    "correct kafka.bootstrap.servers or the application; if they are right, move"
      + " \(settings.stateRoot) away: the state is then rebuilt from this log"
  }
}

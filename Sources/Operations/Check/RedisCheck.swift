import Configuration
import Console
import EventLog
import KafkaLog
import Logging
import Pipeline
import RedisProjection
import Streams
import Wiring

/// Does to Redis what the redis stage will do, on keys of its own, and looks for what would stop it
/// or lose features later.
struct RedisCheck {
  private let settings: Settings
  private let logger: Logger
  private let name = "redis"

  private var configuration: RedisConfiguration { settings.redisConfiguration }
  private var place: String { "\(configuration.address)" }

  init(_ settings: Settings, _ logger: Logger) {
    self.settings = settings
    self.logger = logger
  }

  func findings() -> [CheckFinding] {
    do throws(RedisError) {
      let connection = try RedisConnection(configuration)
      try connection.ping()
      try WriteTrial.run(project: settings.feastProjection.project, configuration)
      return try [owner() ?? CheckFinding(name, ok: "\(place) takes features")]
        + [eviction(connection), keyVersion(connection)].compactMap { $0 }
    } catch {
      return [
        CheckFinding(
          name, failed: ExitStatus(of: error.condition), error.summary,
          advice: "\(error.condition.advice); the redis stage waits until then"
            + " (\(Reason.Code(error.condition).rawValue)), and no other stage does")
      ]
    }
  }

  /// A finding where the project is another's, or another log's.
  private func owner() throws(RedisError) -> CheckFinding? {
    let sink = RedisSink(settings.feastProjection, configuration)
    guard let record = try sink.record(),
      // Kafka that does not answer has a finding of its own.
      let admin = try? settings.makeAdmin(logger), let cluster = try? admin.cluster().id
    else { return nil }
    let identity = settings.projectionIdentity(cluster: cluster)
    guard record.owner != identity.owner else { return difference(identity, sink, admin) }
    return CheckFinding(
      name, failed: .failure,
      "\(place) holds the project \(identity.projection.project) of \(record.owner), and this is"
        + " \(identity.owner)",
      advice: "take it over with `projectionist redis claim`, or set feast.project or redis.host"
        + " to one of this application's own; the redis stage waits until then")
  }

  /// A finding where the topics of the features are not those that were projected.
  private func difference(
    _ identity: ProjectionIdentity, _ sink: RedisSink, _ admin: KafkaAdmin
  ) -> CheckFinding? {
    guard let counts = try? admin.topics() else { return nil }
    let partitions = settings.topology.inputs(of: .redis).flatMap { topic in
      (0..<(counts[topic] ?? 0)).map { TopicPartition(topic, $0) }
    }
    let projected = ProjectedLog(
      settings.makeQuietLog(logger), settings.topology, clientID: "projectionist-check",
      identity: identity, sink: sink)
    guard let difference = try? projected.difference(partitions) else { return nil }
    return CheckFinding(
      name, failed: .stateDiffers, difference,
      advice: "take it over with `projectionist redis claim`, or set feast.project or redis.host to"
        + " one of this log's own; the redis stage waits until then")
  }

  private func eviction(_ connection: RedisConnection) throws(RedisError) -> CheckFinding? {
    guard let policy = try connection.serverInfo().evictionPolicy else {
      return CheckFinding(
        name, warning: "maxmemory-policy can't be read with these rights",
        advice: "see that it is noeviction: any other may delete features when memory is full")
    }
    return policy.warning.map { CheckFinding(name, warning: $0, advice: EvictionPolicy.advice) }
  }

  /// Feast builds keys by `entity_key_serialization_version`: a reader by another finds
  /// nothing.
  private func keyVersion(_ connection: RedisConnection) throws(RedisError) -> CheckFinding? {
    let project = settings.feastProjection.project
    let configured = settings.feast.entityKeySerializationVersion
    for version in FeastKey.Version.allCases where version.rawValue != configured {
      let projection = FeastProjection(project: project, version: version)
      for view in projection.views where try connection.holdsKeys(of: view.key) {
        return CheckFinding(
          name,
          warning: "\(place) has keys of the project \(project) in Feast's version"
            + " \(version.rawValue), and this writes version \(configured)",
          advice: "set feast.entity_key_serialization_version as in feature_store.yaml: who reads"
            + " by another version finds no features")
      }
    }
    return nil
  }
}

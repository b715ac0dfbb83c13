package import Configuration
package import KafkaLog
package import LMDBStore
package import Pipeline
package import RedisProjection
import Streams

extension Settings {
  /// Where this application's state is.
  package var storage: LMDBStorage {
    LMDBStorage(root: stateRoot, mapBytes: state.mapSizeGigabytes << 30)
  }

  package var kafkaSettings: KafkaSettings {
    KafkaSettings(
      bootstrapServers: bootstrapServers,
      properties: kafka.filter { $0.key != "bootstrap.servers" })
  }

  package var redisConfiguration: RedisConfiguration {
    RedisConfiguration(
      address: .tcp(host: redis.host, port: redis.port),
      username: redis.username.isEmpty ? nil : redis.username,
      password: redis.password.isEmpty ? nil : redis.password, database: redis.database,
      commandTimeout: redis.timeout)
  }

  package var feastProjection: FeastProjection {
    FeastProjection(
      project: topology.feastProject(feast.project),
      version: FeastKey.Version(rawValue: feast.entityKeySerializationVersion) ?? .v3)
  }

  /// Whose rows in Redis are this application's.
  ///
  /// - Parameter cluster: the id of the configured cluster.
  package func projectionIdentity(cluster: String) -> ProjectionIdentity {
    ProjectionIdentity(
      projection: feastProjection, application: application, cluster: cluster,
      generation: UInt64(redis.generation))
  }
}

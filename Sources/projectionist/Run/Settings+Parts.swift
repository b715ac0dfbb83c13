import KafkaLog
import LMDBStore
import Logging
import Pipeline
import RedisProjection
import Streams

extension Settings {
  /// Where this application's state is.
  var storage: LMDBStorage {
    LMDBStorage(root: stateRoot, mapBytes: state.mapSizeGigabytes << 30)
  }

  var kafkaSettings: KafkaSettings {
    KafkaSettings(
      bootstrapServers: bootstrapServers,
      properties: kafka.filter { $0.key != "bootstrap.servers" })
  }

  var redisConfiguration: RedisConfiguration {
    RedisConfiguration(
      address: .tcp(host: redis.host, port: redis.port),
      username: redis.username.isEmpty ? nil : redis.username,
      password: redis.password.isEmpty ? nil : redis.password, database: redis.database,
      commandTimeout: redis.timeout)
  }

  var feastProjection: FeastProjection {
    FeastProjection(
      project: topology.feastProject(feast.project),
      version: FeastKey.Version(rawValue: feast.entityKeySerializationVersion) ?? .v3)
  }
}

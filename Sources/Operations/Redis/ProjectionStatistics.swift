package import Configuration
import KafkaLog
package import Logging
import Pipeline
package import RedisProjection
import Wiring

/// What `redis stat` finds: whose the configured project is, its rows, and the server.
package struct ProjectionStatistics: Encodable {
  var redis: String
  var project: String
  /// Whose it is; absent when nobody's.
  var record: ProjectionClaim.Holder?
  /// Whether it is this application's, of this cluster; absent when Kafka does not answer.
  var isOwn: Bool?
  /// Whether rows of earlier epochs may be left.
  var hasLeftovers: Bool
  /// Rows with features.
  var users: Int
  var movies: Int
  /// Absent is what the server does not say to this user.
  var version: String?
  var mode: String?
  var role: String?
  var usedMemoryBytes: Int64?
  var maxMemoryBytes: Int64?
  var evictionPolicy: String?
  var evictedKeys: Int64?

  private enum CodingKeys: String, CodingKey {
    case redis, project, record, users, movies, version, mode, role
    case isOwn = "is_own"
    case hasLeftovers = "has_leftovers"
    case usedMemoryBytes = "used_memory_bytes"
    case maxMemoryBytes = "max_memory_bytes"
    case evictionPolicy = "eviction_policy"
    case evictedKeys = "evicted_keys"
  }

  package init(_ settings: Settings, _ logger: Logger) throws(RedisError) {
    let projection = settings.feastProjection
    let sink = RedisSink(projection, settings.redisConfiguration)
    let info = try RedisConnection(settings.redisConfiguration).serverInfo()
    let found = try sink.record()
    let survey = try ProjectionSurvey(sink, views: projection.views.count)
    redis = "\(settings.redisConfiguration.address)"
    project = projection.project
    record = found.map(ProjectionClaim.Holder.init)
    hasLeftovers = found?.hasLeftovers ?? false
    users = survey.counts[0]
    movies = survey.counts[1]
    version = info.version
    mode = info.mode
    role = info.role
    usedMemoryBytes = info.usedBytes
    maxMemoryBytes = info.maxBytes
    evictionPolicy = info.evictionPolicy?.description
    evictedKeys = info.evictedKeys
    if let found, let cluster = try? settings.makeAdmin(logger).cluster().id {
      isOwn = found.owner == settings.projectionIdentity(cluster: cluster).owner
    }
  }

  package var text: String {
    var lines = [
      "Redis at \(redis), \(version ?? "version unknown"), \(role ?? "role unknown")",
      "memory \(memory), policy \(evictionPolicy ?? "unknown")"
        + (evictedKeys.map { ", \($0) keys evicted" } ?? ""),
      "project \(project): \(users) users and \(movies) movies with features",
      "record: \(holder)",
    ]
    if let record {
      lines += record.positions.sorted { $0.key < $1.key }.map { "  \($0.key) \($0.value)" }
    }
    return lines.joined(separator: "\n")
  }

  private var memory: String {
    guard let usedMemoryBytes else { return "unknown" }
    guard let maxMemoryBytes else { return "\(usedMemoryBytes) bytes" }
    let limit = maxMemoryBytes == 0 ? "no limit" : "\(maxMemoryBytes) bytes"
    return "\(usedMemoryBytes) bytes of \(limit)"
  }

  private var holder: String {
    guard let record else { return "none; the redis stage makes it" }
    let owner =
      switch isOwn {
      case true?: ", which is this application's"
      case false?: ", which is not this application's"
      case nil: ""
      }
    return "\(record.text)\(owner)\(hasLeftovers ? ", with rows of earlier epochs left" : "")"
  }
}

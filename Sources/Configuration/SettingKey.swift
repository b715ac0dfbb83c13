import Codecs
import Pipeline
import Streams

/// One key of the configuration: its name, what it may be, where its value is kept and what it
/// means. Parsing, checking, the documented default file and environment variables all follow from
/// this.
package struct SettingKey: Sendable {
  /// The dotted path: `redis.port`.
  package let path: String
  /// One sentence for the user.
  let documentation: String
  /// Completes the sentence "expected …".
  package let expected: String
  /// What a value that is not as expected may mean.
  let hint: @Sendable (RawSetting) -> String?
  /// Environment variables that set it, the later over the earlier.
  package let environment: [String]
  /// Whether its value must never be shown.
  let isSecret: Bool
  /// Its value in the given settings.
  package let read: @Sendable (Settings) -> RawSetting
  /// Changes the settings; returns whether the value was as expected.
  package let write: @Sendable (inout Settings, RawSetting) -> Bool

  /// - Parameter aliases: environment variables in addition to `PROJECTIONIST_<PATH>`, which
  ///   overrides them.
  package init<Value: Sendable>(
    _ path: String, _ property: any WritableKeyPath<Settings, Value> & Sendable,
    _ type: SettingType<Value>, _ documentation: String, aliases: [String] = [],
    isSecret: Bool = false
  ) {
    self.path = path
    self.documentation = documentation
    self.expected = type.expected
    hint = type.hint
    self.environment = aliases + [Self.environmentName(of: path)]
    self.isSecret = isSecret
    read = { type.format($0[keyPath: property]) }
    write = { settings, raw in
      guard let value = type.parse(raw) else { return false }
      settings[keyPath: property] = value
      return true
    }
  }

  package static let environmentPrefix = "PROJECTIONIST_"

  /// `PROJECTIONIST_REDIS_PORT` for `redis.port`.
  static func environmentName(of path: String) -> String {
    environmentPrefix + path.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
  }

  static let byPath = Dictionary(uniqueKeysWithValues: all.map { ($0.path, $0) })

  /// The known key that a wrong one most likely means: one with the same last component, or the one
  /// that takes the fewest edits.
  package static func nearest(to path: String) -> String {
    let leaf = path.split(separator: ".").last ?? ""
    let sameLeaf = all.map(\.path).filter { $0.split(separator: ".").last == leaf }
    let candidates = sameLeaf.isEmpty ? all.map(\.path) : sameLeaf
    return candidates.min { editDistance($0, path) < editDistance($1, path) } ?? ""
  }
}

extension SettingKey {
  /// Every key, in the order of the documented default file.
  package static let all: [SettingKey] =
    identity + storage + topics + intake + processing + projection + serving + tracking

  private static let identity: [SettingKey] = [
    SettingKey(
      "application", \.application, .applicationName,
      "Prefixes consumer groups, changelog topics, transactional ids and the state directory.",
      aliases: ["SERVICE_NAME"]),
    SettingKey(
      "instance", \.instance, .instanceName,
      "Tells this process from others of the same application, the same after a restart; empty: "
        + "made once and kept in the state directory."),
    SettingKey(
      "stages", \.stages, .someOf(Topology.product.map(\.name)),
      "The stages this process runs; others may run on other machines."),
  ]

  private static let storage: [SettingKey] = [
    SettingKey(
      "state.directory", \.state.directory, .path,
      "Where local state is kept; it can be deleted and is then rebuilt from the changelogs."),
    SettingKey(
      "state.map_size_gigabytes", \.state.mapSizeGigabytes, .integer(1...65_536),
      "The most a partition's store may grow to; address space, not memory or disk in use."),
    SettingKey(
      "kafka.bootstrap.servers", \.bootstrapServers, .someText,
      "The brokers to ask first, host:port separated by commas. Any other property of librdkafka "
        + "may stand next to it and is passed on unchanged, such as security.protocol: "
        + "https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md",
      aliases: ["KAFKA_BROKER", "KAFKA_BOOTSTRAP_SERVERS"]),
  ]

  private static let topics: [SettingKey] = [
    SettingKey(
      "topics.prefix", \.topics.prefix, .topicPrefix,
      "Begins the names of all topics, groups, ids, the Feast project and the state directory. With"
        + " one of its own, another application on the same cluster has a set of topics of its own:"
        + " with `test`, user-ratings is test.user-ratings."
    ),
    SettingKey(
      "topics.partitions", \.topics.partitions, .integer(1...10_000),
      "Partitions of topics keyed by user. Once there is data the log itself says how many are"
        + " used, and another number changes nothing."),
    SettingKey(
      "topics.movie_partitions", \.topics.moviePartitions, .integer(1...10_000),
      "Partitions of topics keyed by movie. More let more machines share the movie stage, and make "
        + "each of the user stage's transactions longer. Once there is data the log itself says"
        + " how many are used."),
    SettingKey(
      "topics.replication_factor", \.topics.replicationFactor, .integer(1...100),
      "Copies of each partition that `topics apply` asks for; 3 on a cluster."),
    SettingKey(
      "topics.accept_retention", \.topics.acceptsRetention, .flag,
      "true: topics may delete records sooner than declared, as some managed clusters require; what"
        + " is gone can't be replayed or verified."),
  ]

  private static let processing: [SettingKey] = [
    SettingKey(
      "processing.guarantee", \.processing.guarantee, .oneOf,
      "Whether outputs may repeat after a crash (at_least_once) or not. State is exact under"
        + " exactly_once, and under at_least_once while no instance stalls beyond its session."),
    SettingKey(
      "processing.batch_max_records", \.processing.limits.records, .integer(1...10_000_000),
      "A batch closes when it has this many records."),
    SettingKey(
      "processing.batch_max_bytes", \.processing.limits.bytes, .integer(1_024...4_294_967_296),
      "A batch closes when it has this many bytes of keys and values."),
    SettingKey(
      "processing.batch_max_time_ms", \.processing.limits.time, .milliseconds(1...60_000),
      "A batch closes when it has been open this long."),
    SettingKey(
      "processing.batch_busy_records", \.processing.limits.busyRecords, .integer(1...10_000_000),
      "A batch with fewer records than this closes as soon as the input runs dry."),
    SettingKey(
      "processing.batch_linger_ms", \.processing.limits.linger, .milliseconds(0...60_000),
      "A batch stays open at least this long: fewer commits, more latency."),
    SettingKey(
      "processing.batch_pause_ms", \.processing.limits.pause, .milliseconds(1...60_000),
      "A batch with more records closes when the input has been dry for this long; where the stages"
        + " before it run in the same daemon, when they have no backlog."),
    SettingKey(
      "standby", \.standby, .integer(0...100),
      "How many other instances keep a warm copy of each partition's state, to take it over without"
        + " a restore. Assignment ignores standbys: with as many as there are other instances,"
        + " whoever takes over has one."),
  ]

  private static let projection: [SettingKey] = [
    SettingKey(
      "redis.host", \.redis.host, .host, "Name or address of the Redis server.",
      aliases: ["REDIS_HOST"]),
    SettingKey(
      "redis.port", \.redis.port, .integer(1...65_535), "Its TCP port.", aliases: ["REDIS_PORT"]),
    SettingKey("redis.username", \.redis.username, .anyText, "The user to log in as, if any."),
    SettingKey(
      "redis.password", \.redis.password, .anyText, "The password to log in with, if any.",
      isSecret: true),
    SettingKey(
      "redis.database", \.redis.database, .integer(0...65_535), "The number of the database."),
    SettingKey(
      "redis.timeout_ms", \.redis.timeout, .milliseconds(1...600_000),
      "How long to wait for a connection or an answer before trying again."),
    SettingKey(
      "redis.generation", \.redis.generation, .integer(1...2_147_483_647),
      "The least epoch under which features are written; a higher one than before makes this"
        + " application write all of them again. `projectionist redis claim` raises the epoch as"
        + " well."),
    SettingKey(
      "feast.project", \.feast.project, .someText,
      "The Feast project that features are written for; it ends every key in Redis."),
    SettingKey(
      "feast.entity_key_serialization_version", \.feast.entityKeySerializationVersion,
      .integer(2...3), "As in feature_store.yaml; 3 is Feast's own since 0.44."),
  ]

  private static let serving: [SettingKey] = [
    SettingKey(
      "movie.refresh_interval_ms", \.movie.refreshInterval, .milliseconds(0...86_400_000),
      "How often at most all quality scores are published again because the overall mean moved."),
    SettingKey(
      "predict.max_batch", \.predict.maxBatch, .integer(1...10_000),
      "The most requests answered with one pass over the movies."),
    SettingKey(
      "predict.max_age", \.predict.maxAge, .span(.milliseconds(1)...(.seconds(87_600 * 3_600))),
      "How long after its record's time a request is answered. An older one is dropped and counted,"
        + " so a restart or a reset answers nobody who has long gone."),
    SettingKey(
      "predict.kept_models", \.predict.keptModels, .integer(1...1_000),
      "How many of the newest models are kept in memory for requests that name one with "
        + "model_version; the promoted one and the shadow are kept as well."),
    SettingKey(
      "predict.shadow_model", \.predict.shadowModel, .anyText,
      "The version of a model that answers, too, on recommendations-shadow while the topic models"
        + " names no shadow; empty for none."),
    SettingKey(
      "predict.require_catalog", \.predict.requireCatalog, .flag,
      "true: only movies of the topic movies are recommended, so that one that is deleted there"
        + " leaves all lists; without effect while the topic is empty."),
    SettingKey(
      "predict.diversity", \.predict.diversity, .integer(0...100),
      "How many percent other genres count in a personal list, next to what the user wants; 0"
        + " orders it by score alone. It costs hits: Model.md says how many."),
    SettingKey("log.level", \.log.level, .logLevel, "The least severe messages that are written."),
    SettingKey(
      "log.format", \.log.format, .oneOf, "auto writes text on a terminal and JSON otherwise."),
    SettingKey(
      "shutdown.deadline_ms", \.shutdown.deadline, .milliseconds(0...3_600_000),
      "How long a stop may take to finish and commit what is under way."),
    SettingKey(
      "shutdown.partitions", \.shutdown.partitions, .oneOf,
      "keep: a stopped instance's partitions wait for its restart as long as"
        + " kafka.session.timeout.ms (10 seconds unless set); leave: others take them over at once."
    ),
  ]
}

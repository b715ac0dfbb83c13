import Logging
import Pipeline
import Streams

/// The daemon's settings, each with its default. `SettingKey.all` says how they are named, checked
/// and explained.
struct Settings: Hashable, Sendable {
  struct State: Hashable, Sendable {
    var directory = "state"
    var mapSizeGigabytes = 64
  }

  struct Topics: Hashable, Sendable {
    var partitions = 4
    var moviePartitions = 1
    var replicationFactor = 1
  }

  struct Processing: Hashable, Sendable {
    var guarantee = ProcessingGuarantee.exactlyOnce
    var limits = BatchLimits()
  }

  struct Redis: Hashable, Sendable {
    var host = "127.0.0.1"
    var port: UInt16 = 6379
    var username = ""
    var password = ""
    var database = 0
    var timeout = Duration.seconds(5)
    var generation = 1
  }

  struct Feast: Hashable, Sendable {
    var project = "movies"
    var entityKeySerializationVersion = 3
  }

  struct Movie: Hashable, Sendable {
    var refreshInterval = Duration.seconds(60)
  }

  struct Predict: Hashable, Sendable {
    var maxBatch = 64
    var keptModels = 3
    /// Empty for none.
    var shadowModel = ""
  }

  struct Log: Hashable, Sendable {
    var level = Logger.Level.info
    var format = LogFormat.auto
  }

  struct Shutdown: Hashable, Sendable {
    var deadline = Duration.seconds(10)
    var partitions = PartitionsOnStop.keep
  }

  var application = "projectionist"
  /// Empty when the configuration names none: see `InstanceName`.
  var instance = ""
  /// Never empty, each once.
  var stages = Topology.product.map(\.name)
  var state = State()
  /// librdkafka's properties by their own names.
  var kafka = ["bootstrap.servers": "127.0.0.1:9092"]
  var topics = Topics()
  var processing = Processing()
  /// How many other instances keep a copy of each partition's state.
  var standby = 0
  var redis = Redis()
  var feast = Feast()
  var movie = Movie()
  var predict = Predict()
  var log = Log()
  var shutdown = Shutdown()

  /// The stages as this application runs them: every name comes from it.
  var topology: Topology { Topology(application: application) }

  /// Where this application keeps its local state.
  var stateRoot: String { topology.stateDirectory(in: state.directory) }

  /// What the configuration decides about all stages.
  var stageSettings: StageSettings {
    StageSettings(
      guarantee: processing.guarantee, limits: processing.limits,
      requestsPerBatch: predict.maxBatch, leavesOnStop: shutdown.partitions == .leave)
  }

  /// The brokers to ask first, `host:port` separated by commas.
  var bootstrapServers: String {
    get { kafka["bootstrap.servers"] ?? "" }
    set { kafka["bootstrap.servers"] = newValue }
  }
}

/// What becomes of an instance's partitions when it is told to stop.
enum PartitionsOnStop: String, Hashable, Sendable, CaseIterable {
  /// They wait for its restart, as long as the group's session timeout.
  case keep
  /// Other instances take them over at once.
  case leave
}

/// How log lines are written.
enum LogFormat: String, Hashable, Sendable, CaseIterable {
  /// Text on a terminal, JSON otherwise.
  case auto
  case text
  case json
}

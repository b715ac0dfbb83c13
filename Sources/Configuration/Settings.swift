package import Logging
import Pipeline
package import Streams

/// The daemon's settings, each with its default. `SettingKey.all` says how they are named, checked
/// and explained.
package struct Settings: Hashable, Sendable {
  package struct State: Hashable, Sendable {
    package var directory = "state"
    package var mapSizeGigabytes = 64

    package init() {}
  }

  package struct Topics: Hashable, Sendable {
    /// Empty for none.
    package var prefix = ""
    package var partitions = 4
    package var moviePartitions = 1
    package var replicationFactor = 1
    package var acceptsRetention = false
  }

  package struct Processing: Hashable, Sendable {
    package var guarantee = ProcessingGuarantee.exactlyOnce
    package var limits = BatchLimits()
  }

  package struct Redis: Hashable, Sendable {
    package var host = "127.0.0.1"
    package var port: UInt16
    package var username = ""
    package var password = ""
    package var database = 0
    package var timeout = Duration.seconds(5)
    package var generation = 1

    package init(port: UInt16 = 6379) {
      self.port = port
    }
  }

  package struct Feast: Hashable, Sendable {
    package var project = "movies"
    package var entityKeySerializationVersion = 3
  }

  package struct Movie: Hashable, Sendable {
    package var refreshInterval = Duration.seconds(60)

    package init() {}
  }

  package struct Predict: Hashable, Sendable {
    package var maxBatch = 64
    package var maxAge = Duration.seconds(60)
    package var keptModels = 3
    /// Empty for none.
    package var shadowModel = ""
    package var requireCatalog = true
    /// In percent.
    package var diversity = 0
  }

  package struct Log: Hashable, Sendable {
    package var level = Logger.Level.info
    package var format = LogFormat.auto
  }

  package struct Shutdown: Hashable, Sendable {
    package var deadline = Duration.seconds(10)
    package var partitions = PartitionsOnStop.keep

    package init() {}
  }

  package var application = "projectionist"
  /// Empty when the configuration names none: see `InstanceName`.
  package var instance = ""
  /// Never empty, each once.
  package var stages = Topology.product.map(\.name)
  package var state = State()
  /// librdkafka's properties by their own names.
  package var kafka = ["bootstrap.servers": "127.0.0.1:9092"]
  package var topics = Topics()
  package var intake = Intake()
  package var processing = Processing()
  /// How many other instances keep a copy of each partition's state.
  package var standby = 0
  package var redis = Redis()
  package var feast = Feast()
  package var movie = Movie()
  package var predict = Predict()
  package var mlflow = MLflow()
  package var log = Log()
  package var shutdown = Shutdown()

  package init() {}

  /// The stages as this application runs them: every name comes from it.
  package var topology: Topology { Topology(application: application, prefix: topics.prefix) }

  /// Where this application keeps its local state.
  package var stateRoot: String { topology.stateDirectory(in: state.directory) }

  /// What the configuration decides about all stages.
  package var stageSettings: StageSettings {
    StageSettings(
      guarantee: processing.guarantee, limits: processing.limits,
      requestsPerBatch: predict.maxBatch, leavesOnStop: shutdown.partitions == .leave)
  }

  /// Where the daemon serves its events.
  package var eventSocket: String { "\(stateRoot)/events.sock" }

  /// The brokers to ask first, `host:port` separated by commas.
  package var bootstrapServers: String {
    get { kafka["bootstrap.servers"] ?? "" }
    set { kafka["bootstrap.servers"] = newValue }
  }
}

/// What an instance does with its partitions when it stops.
package enum PartitionsOnStop: String, Hashable, Sendable, CaseIterable {
  /// They wait for its restart, as long as the group's session timeout.
  case keep
  /// Other instances take them over at once.
  case leave
}

/// How log lines are written.
package enum LogFormat: String, Hashable, Sendable, CaseIterable {
  /// Text on a terminal, JSON otherwise.
  case auto
  case text
  case json
}

// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
  .enableUpcomingFeature("ExistentialAny"),
  // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
  .enableUpcomingFeature("MemberImportVisibility"),
  // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
  .enableUpcomingFeature("InternalImportsByDefault"),
  // Borrowed records (`RecordView: ~Escapable`) name what they borrow from.
  .enableExperimentalFeature("Lifetimes"),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// A module that calls C: what the compiler can't vouch for is marked `unsafe`.
/// https://github.com/swiftlang/swift-evolution/blob/main/proposals/0458-strict-memory-safety.md
func adapter(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(
    name: name, dependencies: dependencies, swiftSettings: strict + [.strictMemorySafety()])
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(
  name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(
  name: "UnixSignals", package: "swift-service-lifecycle")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")

let package = Package(
  name: "projectionist",
  platforms: [.macOS(.v26)],
  products: [.executable(name: "projectionist", targets: ["projectionist"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // C libraries, each with exactly one importer.
    .systemLibrary(
      name: "CRdkafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
    .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
    .systemLibrary(name: "CHiredis", pkgConfig: "hiredis", providers: [.apt(["libhiredis-dev"])]),
    .systemLibrary(name: "CArchive", providers: [.apt(["libarchive-dev"])]),
    .systemLibrary(
      name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .target(
      name: "CSimdjson",
      cxxSettings: [.unsafeFlags(["-O3", "-Wall", "-Wextra", "-Werror"])],
      linkerSettings: [.linkedLibrary("simdjson")]),

    // A monotonic clock in steps, for the threads of an old librdkafka.
    .target(
      name: "CRdkafkaClock", cSettings: [.unsafeFlags(["-O2", "-Wall", "-Wextra", "-Werror"])]),

    // Children that end with their parent.
    .target(name: "CSpawn", cSettings: [.unsafeFlags(["-O2", "-Wall", "-Wextra", "-Werror"])]),

    // Interfaces: what a log and a store are.
    module("EventLog"),
    module("StateStore"),

    // Adapters: the interfaces on real parts.
    adapter("KafkaLog", ["EventLog", "CRdkafka", "CRdkafkaClock", logging]),
    adapter("LMDBStore", ["StateStore", "CLMDB"]),
    adapter("RedisProjection", ["CHiredis"]),
    adapter("LinearAlgebra", ["COpenBLAS"]),
    adapter("Archives", ["CArchive"]),
    adapter("HTTPClient", ["CCurl"]),

    // The engine, and the pure domain.
    module("Streams", ["EventLog", "StateStore", logging]),
    adapter("Codecs", ["CSimdjson"]),
    module("Ratings", ["Codecs"]),
    module("Recommender", ["Ratings", "Codecs", "LinearAlgebra"]),

    // The log's models in MLflow.
    .target(
      name: "MLflow", dependencies: ["HTTPClient", "Recommender", "Ratings", "Codecs"],
      // The loader that goes with each model, so that the binary works wherever it is put.
      resources: [.embedInCode("Artifact/projectionist_model.py")],
      swiftSettings: strict),

    // The engine's events as lines of JSON on a Unix socket.
    module("EventStream", ["Streams", "Codecs", "EventLog"]),

    // Metrics: families, their values, and the formats they are scraped in.
    module("Metrics"),
    // The engine's events as metrics.
    module("EngineMetrics", ["Metrics", "Streams", "EventLog"]),

    // The product: its stages and their topics.
    module(
      "Pipeline",
      [
        "Streams", "Recommender", "Ratings", "Codecs", "RedisProjection", "EventLog", "StateStore",
        logging,
      ]),

    module("Simulation", ["Streams", "EventLog", "StateStore", logging]),

    module(
      "PipelineSimulation",
      [
        "Simulation", "Pipeline", "Ratings", "Codecs", "RedisProjection", "Streams", "EventLog",
        "StateStore",
      ]),

    // What the commands do, and what they share. Each imports only modules above it.
    module("Console"),
    .target(
      name: "Configuration",
      dependencies: [
        "Console", "Pipeline", "Ratings", "Codecs", "Streams", logging,
        .product(name: "Yams", package: "Yams"),
      ],
      // The declarations of the topics, so that the binary works wherever it is put.
      resources: [.embedInCode("Topics")],
      swiftSettings: strict),
    module(
      "Wiring",
      [
        "Console", "Configuration", "Codecs", "Pipeline", "KafkaLog", "LMDBStore",
        "RedisProjection", "MLflow", "HTTPClient",
        "Streams", "EventLog", "StateStore", logging,
      ]),
    module("Processes", ["Console", "RedisProjection", "CSpawn"]),
    module("DataFiles", ["Archives", "Codecs", "Ratings", "Recommender"]),
    module(
      "SampleData",
      ["Console", "DataFiles", "Pipeline", "Recommender", "Ratings", "Codecs", "EventLog"]),
    module(
      "DaemonRuntime",
      [
        "Wiring", "Configuration", "Console", "Pipeline", "KafkaLog", "LMDBStore",
        "RedisProjection", "MLflow", "Recommender", "Streams", "EventLog", logging, "EventStream",
        "EngineMetrics", "Metrics", lifecycle, unixSignals,
      ]),
    module(
      "Operations",
      [
        "SampleData", "DataFiles", "Processes", "Wiring", "Configuration", "Console",
        "PipelineSimulation", "Simulation", "Pipeline", "Recommender", "Ratings", "Codecs",
        "KafkaLog", "LMDBStore",
        "RedisProjection", "MLflow", "Streams", "EventLog", "StateStore", logging,
      ]),
    module(
      "Benchmarks",
      [
        "SampleData", "Processes", "Wiring", "Configuration", "Console", "Pipeline",
        "Recommender", "Ratings", "LinearAlgebra", "KafkaLog", "LMDBStore", "RedisProjection",
        "EventStream", "Streams", "EventLog", "StateStore", histogram,
      ]),
    module(
      "Demo",
      [
        "Operations", "SampleData", "DataFiles", "Processes", "Wiring", "Configuration", "Console",
        "Pipeline", "Ratings", "KafkaLog", "RedisProjection", "EventStream", "Streams", "EventLog",
        logging,
      ]),

    // The command line: parsing, printing, exit codes.
    .executableTarget(
      name: "projectionist",
      dependencies: [
        "Demo", "Benchmarks", "Operations", "DaemonRuntime", "SampleData", "DataFiles",
        "Processes", "Wiring",
        "Configuration", "Console", "PipelineSimulation", "Simulation", "Pipeline", "Recommender",
        "Ratings", "Codecs", "KafkaLog", "LMDBStore", "RedisProjection", "Streams", logging,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),

    // What tests of several modules share.
    .target(
      name: "TestSupport", dependencies: ["Recommender", "Codecs"], path: "Tests/TestSupport",
      swiftSettings: strict),

    tests("TidyTests", []),
    tests("LinearAlgebraTests", ["LinearAlgebra"]),
    tests("CodecsTests", ["Codecs", "TestSupport"]),
    tests("RatingsTests", ["Ratings", "Codecs", "TestSupport"]),
    tests("RecommenderTests", ["Recommender", "Ratings", "Codecs", "TestSupport"]),
    tests("KafkaLogTests", ["KafkaLog", "EventLog", "CRdkafka", "CRdkafkaClock", logging]),
    tests("LMDBStoreTests", ["LMDBStore", "StateStore"]),
    tests("RedisProjectionTests", ["RedisProjection", "TestSupport"]),
    tests("HTTPClientTests", ["HTTPClient", "TestSupport"]),
    tests(
      "MLflowTests", ["MLflow", "HTTPClient", "Recommender", "Ratings", "Codecs", "TestSupport"]),
    tests("StreamsTests", ["Streams", "Simulation", "EventLog", "StateStore", logging]),
    tests("EventStreamTests", ["EventStream", "Streams", "EventLog", "TestSupport"]),
    tests("MetricsTests", ["Metrics", "TestSupport"]),
    tests("EngineMetricsTests", ["EngineMetrics", "Metrics", "Streams", "EventLog"]),
    tests(
      "SimulationTests",
      ["Simulation", "PipelineSimulation", "Ratings", "Streams", "EventLog"]),
    tests(
      "PipelineTests",
      [
        "Pipeline", "Simulation", "PipelineSimulation", "Streams", "Recommender", "Ratings",
        "RedisProjection", "Codecs", "EventLog", "StateStore", "EngineMetrics", "Metrics",
        logging,
      ]),
    tests("ConsoleTests", ["Console"]),
    tests(
      "ConfigurationTests",
      [
        "Configuration", "Console", "Pipeline", "Recommender", "Ratings", "Codecs", "Streams",
        logging,
      ]),
    tests(
      "WiringTests",
      [
        "Wiring", "Configuration", "Console", "Pipeline", "LMDBStore", "RedisProjection",
        "MLflow", "Streams", "EventLog", "StateStore", logging,
      ]),
    tests("ProcessesTests", ["Processes", "Console", "RedisProjection"]),
    tests("ArchivesTests", ["Archives", "TestSupport"]),
    tests("DataFilesTests", ["DataFiles", "Recommender", "Ratings", "TestSupport"]),
    tests(
      "SampleDataTests",
      ["SampleData", "DataFiles", "Recommender", "Ratings", "Codecs", "TestSupport"]),
    tests(
      "DaemonRuntimeTests",
      [
        "DaemonRuntime", "Configuration", "Console", "LMDBStore", "Metrics", "Pipeline",
        "Simulation", "StateStore", "Streams", "EventLog",
        logging, lifecycle, unixSignals,
      ]),
    tests(
      "OperationsTests",
      [
        "Operations", "Processes", "Console", "Pipeline", "Recommender", "Ratings", "Codecs",
        "LMDBStore", "RedisProjection", "Streams", "StateStore", "TestSupport",
      ]),
    tests(
      "BenchmarksTests",
      ["Benchmarks", "Console", "EventStream", "Streams", "EventLog", "TestSupport"]),
    tests(
      "DemoTests",
      [
        "Demo", "Operations", "Processes", "Configuration", "Pipeline", "KafkaLog",
        "RedisProjection", "EventStream", "Streams",
      ]),
    tests(
      "ProjectionistTests",
      [
        "projectionist", "Operations", "SampleData", "Configuration", "Console", "Pipeline",
        "Recommender",
        "Ratings", "Codecs", "TestSupport", logging,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
  ],
  cxxLanguageStandard: .cxx17
)

// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
  .enableUpcomingFeature("ExistentialAny"),
  // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
  .enableUpcomingFeature("MemberImportVisibility"),
  // Borrowed records (`RecordView: ~Escapable`) name what they borrow from.
  .enableExperimentalFeature("Lifetimes"),
  // The engine is generic over the log and the store; its hot path is specialised across modules.
  // What its classes hold belongs to one thread each; the debug build checks exclusive access.
  .unsafeFlags(
    ["-Xfrontend", "-enable-cmo-everything", "-enforce-exclusivity=unchecked"],
    .when(configuration: .release)),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
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
  ],
  targets: [
    // C libraries, each with exactly one importer.
    .systemLibrary(
      name: "CRdkafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
    .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
    .systemLibrary(name: "CHiredis", pkgConfig: "hiredis", providers: [.apt(["libhiredis-dev"])]),
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .target(
      name: "CSimdjson",
      cxxSettings: [.unsafeFlags(["-O3", "-Wall", "-Wextra", "-Werror"])],
      linkerSettings: [.linkedLibrary("simdjson")]),

    // A correction of librdkafka's timers, linked and never called by name.
    .target(
      name: "CRdkafkaClock", cSettings: [.unsafeFlags(["-O2", "-Wall", "-Wextra", "-Werror"])]),

    // Interfaces: what a log and a store are.
    module("EventLog"),
    module("StateStore"),

    // Adapters: the interfaces on real parts.
    module("KafkaLog", ["EventLog", "CRdkafka", "CRdkafkaClock", logging]),
    module("LMDBStore", ["StateStore", "CLMDB"]),
    module("RedisProjection", ["CHiredis"]),
    module("LinearAlgebra", ["COpenBLAS"]),

    // The engine, and the pure domain.
    module("Streams", ["EventLog", "StateStore", logging]),
    module("Recommender", ["LinearAlgebra", "CSimdjson"]),

    // The product: stages, topics, commands.
    module(
      "Pipeline",
      ["Streams", "Recommender", "RedisProjection", "EventLog", "StateStore", logging, histogram]),

    module("Simulation", ["Streams", "EventLog", "StateStore", logging]),

    module(
      "PipelineSimulation",
      [
        "Simulation", "Pipeline", "Recommender", "RedisProjection", "Streams", "EventLog",
        "StateStore", logging,
      ]),

    .executableTarget(
      name: "projectionist",
      dependencies: [
        "Pipeline", "KafkaLog", "LMDBStore", "RedisProjection", "Recommender", "LinearAlgebra",
        "Simulation", "PipelineSimulation", "Streams", "EventLog", "StateStore", logging, histogram,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Yams", package: "Yams"),
      ],
      // The declarations of the topics, so that the binary works wherever it is put.
      resources: [.embedInCode("Topics")],
      swiftSettings: strict),

    tests("TidyTests", []),
    tests("LinearAlgebraTests", ["LinearAlgebra"]),
    tests("RecommenderTests", ["Recommender", "LinearAlgebra"]),
    tests("KafkaLogTests", ["KafkaLog", "EventLog", "CRdkafkaClock"]),
    tests("LMDBStoreTests", ["LMDBStore", "StateStore"]),
    tests("RedisProjectionTests", ["RedisProjection"]),
    tests("StreamsTests", ["Streams", "Simulation", "EventLog", "StateStore", logging]),
    tests(
      "SimulationTests",
      ["Simulation", "PipelineSimulation", "Streams", "EventLog", "StateStore"]),
    tests(
      "PipelineTests",
      [
        "Pipeline", "Simulation", "PipelineSimulation", "Streams", "Recommender", "EventLog",
        "StateStore", logging,
      ]),
    tests(
      "ProjectionistTests",
      [
        "projectionist", "Pipeline", "Recommender", "RedisProjection", "Streams", "EventLog",
        "LMDBStore", "StateStore", logging,
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
  ],
  cxxLanguageStandard: .cxx17
)

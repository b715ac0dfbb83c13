import Foundation
import Pipeline
import Streams
import Testing

@testable import Configuration
@testable import Demo
@testable import Operations
@testable import Processes

@Suite struct DemoBrokerTests {
  private func choice(
    embedded: Bool = false, configured: Bool = false, environment: [String: String],
    files: Set<String>
  ) -> BrokerChoice {
    BrokerChoice(
      wantsEmbedded: embedded, isConfigured: configured, environment: environment,
      isExecutable: files.contains)
  }

  private let kafka: Set<String> = [
    "/k/bin/kafka-storage.sh", "/k/bin/kafka-server-start.sh", "/usr/bin/java",
  ]
  private let environment = ["KAFKA_HOME": "/k", "PATH": "/bin:/usr/bin"]

  @Test func aWishStandsOverTheConfigurationAndThatOverWhatIsInstalled() {
    #expect(
      choice(embedded: true, configured: true, environment: environment, files: kafka) == .embedded)
    #expect(choice(configured: true, environment: environment, files: kafka) == .configured)
    #expect(choice(environment: environment, files: kafka) == .apacheKafka(home: "/k"))
  }

  @Test func kafkaNeedsItsScriptsAndJava() {
    for file in kafka {
      #expect(choice(environment: environment, files: kafka.subtracting([file])) == .embedded)
    }
    let javaHome = environment.merging(["JAVA_HOME": "/j"]) { $1 }
    #expect(choice(environment: javaHome, files: kafka) == .embedded)
    #expect(
      choice(environment: javaHome, files: kafka.union(["/j/bin/java"]))
        == .apacheKafka(home: "/k"))
  }

  @Test func kafkaIsLookedForInItsUsualPlace() {
    let files: Set<String> = [
      "/opt/kafka/bin/kafka-storage.sh", "/opt/kafka/bin/kafka-server-start.sh", "/bin/java",
    ]
    #expect(
      choice(environment: ["PATH": "/bin"], files: files) == .apacheKafka(home: "/opt/kafka"))
    #expect(choice(environment: ["PATH": "/bin", "KAFKA_HOME": ""], files: files) == .embedded)
  }

  @Test func kafkasToolsAreThoseOfItsHomeWhereItHasThem() {
    let scripts = Set(PasteLines.JavaTools.scripts.map { "/k/bin/\($0)" })
    let found = BrokerChoice.javaTools(
      environment: environment, isExecutable: scripts.contains)
    #expect(found == .init(directory: "/k/bin"))
    let missing = BrokerChoice.javaTools(
      environment: environment, isExecutable: scripts.dropFirst().contains)
    #expect(missing == .init(directory: nil))
  }

  @Test func aNodeListensOnLoopbackOnly() {
    let node = KafkaNode(port: 1001, controllerPort: 1002, dataDirectory: "/d")
    let lines = Set(node.properties.split(separator: "\n").map(String.init))
    #expect(lines.contains("listeners=PLAINTEXT://127.0.0.1:1001,CONTROLLER://127.0.0.1:1002"))
    #expect(lines.contains("controller.quorum.voters=1@127.0.0.1:1002"))
    #expect(lines.contains("log.dirs=/d"))
  }

  @Test func clusterIDsAreSixteenBytesInURLSafeBase64() throws {
    for _ in 0..<200 {
      let id = KafkaNode.makeClusterID()
      #expect(id.count == 22 && !id.hasPrefix("-"))
      let base64 = id.replacing("-", with: "+").replacing("_", with: "/") + "=="
      #expect(try #require(Data(base64Encoded: base64)).count == 16)
    }
  }
}

@Suite struct DemoConfigurationTests {
  @Test func theFileGivesTheSameSettingsBack() throws {
    var settings = Settings()
    settings.application = "demo-1"
    settings.bootstrapServers = "127.0.0.1:1234"
    settings.kafka["sasl.password"] = #"a "b": \ '#c'"#
    settings.redis.port = 7000
    settings.redis.password = "p: q"
    settings.stages = ["intake", "user"]
    settings.processing.guarantee = .atLeastOnce
    let file = ConfigurationFile(name: "demo", yaml: try DemoConfiguration.text(settings))
    #expect(
      try LoadedSettings(file: file, environment: [:], flags: []).settings == settings)
  }

  /// On somebody's cluster and Redis: everything the demo names is its own, and what it writes to
  /// its file can be read again, however long the user's prefix is.
  @Test func itsOwnNamesAreNobodyElses() throws {
    for prefix in ["", "films", String(repeating: "p", count: 60)] {
      var settings = Settings()
      settings.topics.prefix = prefix
      var (one, two) = (settings, settings)
      DemoNames().apply(to: &one)
      DemoNames().apply(to: &two)
      let names = [settings, one, two].map { settings in
        let topology = settings.topology
        return Set(topology.topics.map { topology[$0] } + topology.groups)
      }
      for (index, left) in names.enumerated() {
        for right in names.dropFirst(index + 1) { #expect(left.isDisjoint(with: right)) }
      }
      #expect(names[1].allSatisfy { $0.hasPrefix(prefix.prefix(40)) && $0.contains("demo-") })
      let projects = [settings, one, two].map { $0.topology.feastProject($0.feast.project) }
      for project in projects {
        #expect(projects.count { $0.hasSuffix(project) } == 1, "\(projects)")
      }
      let file = ConfigurationFile(name: "demo", yaml: try DemoConfiguration.text(one))
      #expect(try LoadedSettings(file: file, environment: [:], flags: []).settings == one)
    }
  }

  @Test func theCaretakerIsToldWhatIsSomebodys() {
    func arguments(cluster: Bool, redis: Bool) -> [String] {
      DemoCleanUp(directory: "/d", clearsCluster: cluster, clearsRedis: redis).arguments
    }
    #expect(arguments(cluster: false, redis: false) == ["demo-caretaker", "/d"])
    #expect(
      arguments(cluster: true, redis: true) == ["demo-caretaker", "/d", "--cluster", "--redis"])
  }

  @Test func withoutAConfigurationOnlyTheDirectoryIsRemoved() throws {
    let directory = try TemporaryDirectory("demo-test")
    try Data("x".utf8).write(to: URL(fileURLWithPath: directory.file("daemon.log")))
    let cleanUp = DemoCleanUp(directory: directory.path, clearsCluster: true, clearsRedis: true)
    #expect(cleanUp.run().isEmpty)
    #expect(!FileManager.default.fileExists(atPath: directory.path))
  }

  @Test func anyKeyOfRedisNamesOne() throws {
    func configuresRedis(_ environment: [String: String]) throws -> Bool {
      try LoadedSettings(file: nil, environment: environment, flags: []).configuresRedis
    }
    #expect(try configuresRedis(["REDIS_PORT": "6380"]))
    #expect(try configuresRedis(["PROJECTIONIST_REDIS_DATABASE": "1"]))
    #expect(try !configuresRedis(["REDIS_PORT": "", "KAFKA_BROKER": "b:1"]))
  }

  @Test func kcatReadsItsProperties() {
    #expect(
      DemoConfiguration.kcatText(["sasl.password": "a=b #c", "client.id": "i"])
        == "client.id=i\nsasl.password=a=b #c\n")
  }

  @Test func whatWouldOverrideTheFileIsKnown() {
    let environment = [
      "REDIS_PORT": "1", "KAFKA_BOOTSTRAP_SERVERS": "b", "PROJECTIONIST_KAFKA_SASL_USERNAME": "u",
      "KAFKA_HOME": "/k", "PATH": "/bin",
    ]
    #expect(
      DemoConfiguration.overridingVariables(in: environment)
        == ["REDIS_PORT", "KAFKA_BOOTSTRAP_SERVERS", "PROJECTIONIST_KAFKA_SASL_USERNAME"])
  }
}

@Suite struct DemoMeasureTests {
  @Test func quantilesAreThoseOfTheWindow() throws {
    var window = LatencyWindow(span: .seconds(10))
    let start = ContinuousClock.now
    #expect(window.quantiles([0.5], at: start) == nil)
    for value in 1...100 { window.record(Double(value), at: start) }
    #expect(window.quantiles([0, 0.5, 0.99, 1], at: start) == [1, 50, 99, 100])
    window.record(7, at: start + .seconds(10))
    #expect(window.quantiles([1], at: start + .seconds(10)) == [100])
    #expect(window.quantiles([0.5, 1], at: start + .seconds(11)) == [7, 7])
    #expect(window.quantiles([0.5], at: start + .seconds(21)) == nil)
  }

  @Test func aTransactionsMarkerIsNoLag() {
    #expect(ProgressMonitor.records(in: 1, isFromUsers: false) == 0)
    #expect(ProgressMonitor.records(in: 1, isFromUsers: true) == 1)
    #expect(ProgressMonitor.records(in: 2, isFromUsers: false) == 2)
    #expect(ProgressMonitor.records(in: -3, isFromUsers: true) == 0)
  }

  @Test func predictsOwnLagIsNotWaitedFor() {
    var progress = PipelineProgress()
    #expect(!progress.isCaughtUp)
    progress.lags = [.init(stage: .intake, lag: 0), .init(stage: .predict, lag: 5)]
    #expect(progress.isCaughtUp)
    progress.lags[0].lag = 1
    #expect(!progress.isCaughtUp)
  }

  @Test func whatIsMissingIsNamed() {
    let movie = ReplyRecord.Movie(movieID: 7, title: "T", genres: "G", score: 4)
    let count = SampleUser.Feature(name: SampleUser.countFeature, text: "3")
    let seen = OnceCheck.View(features: [count], movies: [movie])
    #expect(OnceCheck.missing(after: seen, count: 3, movie: 8).isEmpty)
    #expect(OnceCheck.missing(after: seen, count: 4, movie: 8).count == 1)
    #expect(OnceCheck.missing(after: seen, count: 4, movie: 7).count == 2)
    let nothing = OnceCheck.View(features: [], movies: [])
    #expect(OnceCheck.missing(after: nothing, count: 1, movie: 7).count == 2)
  }
}

@Suite struct DemoRunTests {
  @Test func theFirstRatingsAreTakenOfThoseThatAreTooMany() throws {
    let directory = try TemporaryDirectory("demo-test")
    let file = directory.file("ratings.csv")
    let most = DemoRun.mostEmbeddedRatings
    let text =
      "userId,movieId,rating,timestamp\n"
      + String(repeating: "1,2,3.5,1700000000\n", count: most)
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    #expect(!DemoRun.exceedsEmbeddedBroker(file))
    try Data((text + "1,3,3.5,1700000000\n").utf8).write(to: URL(fileURLWithPath: file))
    #expect(DemoRun.exceedsEmbeddedBroker(file))
    #expect(!DemoRun.exceedsEmbeddedBroker(directory.file("none.csv")))
  }
}

import Console
import EventLog
import KafkaLog
import Pipeline
import Streams
import Synchronization
import Testing

@testable import Configuration
@testable import Wiring

/// A cluster that refuses what a rule says.
private final class PickyCluster: Sendable {
  private let refuse: @Sendable (KafkaAdmin.NewTopic) -> String?
  private let made = Mutex<[KafkaAdmin.NewTopic]>([])

  init(refuse: @escaping @Sendable (KafkaAdmin.NewTopic) -> String?) { self.refuse = refuse }

  var topics: [KafkaAdmin.NewTopic] { made.withLock { $0 } }

  func create(_ topic: KafkaAdmin.NewTopic, validatesOnly: Bool) -> KafkaAdmin.TopicResult {
    if let reason = refuse(topic) {
      return .failed(LogError(.configuration, reason, reaction: .stopDaemon))
    }
    if !validatesOnly { made.withLock { $0.append(topic) } }
    return .done
  }

  func make(_ name: String, copies: Int = 1) throws -> TopicOutcome {
    var settings = Settings()
    settings.topics.replicationFactor = copies
    let topic = try #require(try TopicCatalog.topics(settings).first { $0.name == name })
    let making = TopicMaking { [self] topic, validatesOnly throws(LogError) in
      create(topic, validatesOnly: validatesOnly)
    }
    guard case .failed(let error) = create(KafkaAdmin.NewTopic(topic), validatesOnly: false) else {
      Issue.record("nothing is refused")
      return TopicOutcome(name, .created)
    }
    return try making.make(topic, after: error)
  }
}

@Suite struct TopicMakingTests {
  @Test func aCapOnTheSizeIsKept() throws {
    let cluster = PickyCluster {
      Int($0.properties["max.message.bytes"] ?? "0") ?? 0 > 8_388_608 ? "too large" : nil
    }
    let outcome = try cluster.make("user-ratings-dlq")
    #expect(outcome.result == .created)
    #expect(cluster.topics.first?.properties["max.message.bytes"] == "8388608")
    #expect(cluster.topics.first?.properties["retention.ms"] == "-1")
    #expect(
      outcome.notes == [
        "with max.message.bytes=8388608, as the cluster refuses 16777216: too large"
      ])
  }

  @Test func theWantedNumberOfCopiesIsTaken() throws {
    let picky = PickyCluster { $0.replicationFactor == 3 ? nil : "factor must be 3" }
    let outcome = try picky.make("movies")
    #expect(outcome.result == .created && picky.topics.first?.replicationFactor == 3)
    #expect(outcome.notes.first?.contains("topics.replication_factor") == true)
    let own = PickyCluster { $0.replicationFactor == 1 ? "not 1" : nil }
    _ = try own.make("movies")
    #expect(own.topics.first?.replicationFactor == -1)
  }

  /// One of three brokers may be away: a topic that is made meanwhile keeps its copies for ever.
  @Test func fewerCopiesThanWantedAreNotTaken() throws {
    let two = PickyCluster { $0.replicationFactor == 3 ? "only 2 brokers" : nil }
    let outcome = try two.make("movies", copies: 3)
    #expect(outcome.result == .refused && two.topics.isEmpty)
    #expect(outcome.failure?.message == "only 2 brokers")
  }

  @Test func whatCannotBeSetIsLeftOut() throws {
    let refused: Set<String> = ["min.compaction.lag.ms", "segment.bytes"]
    let cluster = PickyCluster { topic in
      topic.properties.keys.first(where: refused.contains).map { "\($0) can't be set" }
    }
    let outcome = try cluster.make("projectionist-user-changelog")
    #expect(outcome.result == .created && outcome.notes.count == 1)
    #expect(
      cluster.topics.first?.properties
        == ["cleanup.policy": "compact", "delete.retention.ms": "2592000000"])
  }

  @Test func whatTheStagesDependOnIsNotLeftOut() throws {
    let cluster = PickyCluster { $0.properties["cleanup.policy"] == nil ? nil : "no compaction" }
    let outcome = try cluster.make("movies")
    #expect(outcome.result == .refused && cluster.topics.isEmpty)
    #expect(outcome.text == "can't make movies as declared: no compaction")
    let failure = TopicReport.failure(of: [TopicOutcome("a", .created), outcome])
    #expect(failure?.status == .configuration)
    #expect(TopicReport.failure(of: [TopicOutcome("a", .created)]) == nil)
  }

  @Test(
    arguments: [
      ("max.message.bytes", "8388608", "16777216", true),
      ("max.message.bytes", "100000", "16777216", false),
      ("retention.bytes", "-1", "10737418240", true), ("retention.bytes", "5", "10", false),
      ("retention.ms", "604800000", "-1", false), ("retention.ms", "-1", "5", true),
      ("min.compaction.lag.ms", "0", "60000", true),
      ("delete.retention.ms", "86400000", "2592000000", false),
      ("segment.bytes", "52428800", "1048576", true),
      ("cleanup.policy", "delete", "compact", false),
    ])
  func someDifferencesCanBeLivedWith(
    _ name: String, _ found: String, _ wanted: String, _ isTolerable: Bool
  ) {
    let strict = TopicTolerance()
    #expect((strict.excuse(name, found: found, wanted: wanted) != nil) == isTolerable)
    let lax = TopicTolerance(acceptsRetention: true)
    #expect(
      (lax.excuse(name, found: found, wanted: wanted) != nil)
        == (isTolerable || name.hasPrefix("retention")))
  }

  @Test func aReportLivesWithASmallerLimit() throws {
    let topics = try TopicCatalog.topics(Settings())
    var properties = Dictionary(
      uniqueKeysWithValues: topics.map {
        ($0.name, KafkaAdmin.TopicProperties($0.config, own: Set($0.config.keys)))
      })
    properties["user-ratings-dlq"]?.values["max.message.bytes"] = "8388608"
    let partitions = Dictionary(
      uniqueKeysWithValues: topics.map { ($0.name, Int32($0.partitions)) })
    let report = TopicReport(topics, partitions: partitions, properties: properties)
    #expect(report.isOK && report.failure == nil && report.warnings.isEmpty)
    #expect(report.tolerances.count == 1)
    #expect(report.entry(.deadLetters)?.maxMessageBytes == 8_388_608)
    properties["user-features"]?.values["max.message.bytes"] = "1000"
    let small = TopicReport(topics, partitions: partitions, properties: properties)
    #expect(small.failure?.message.contains("max.message.bytes=1000000") == true)
  }
}

@Suite struct CoordinationTests {
  @Test func aTransactionLogThatWantsThree() throws {
    let facts = CoordinatorFacts(
      brokers: 1, properties: ["transaction.state.log.replication.factor": "3"])
    let error = try #require(facts.obstacle(to: .transactions, KafkaTools("k")))
    #expect(error.code == .unavailable)
    #expect(facts.obstacle(to: .transactions, KafkaTools("k"), guesses: false) != nil)
    for part in [
      "1 broker,", "wants 3 copies", "transaction.state.log.replication.factor=1",
      "transaction.state.log.min.isr=1",
    ] { #expect(error.description.contains(part)) }
    let groups = CoordinatorFacts(
      brokers: 2, properties: ["offsets.topic.replication.factor": "3"])
    #expect(
      groups.obstacle(to: .groups, KafkaTools("k"))?.description
        .contains("offsets.topic.replication.factor=2") == true)
  }

  @Test func aLogThatWantsMoreInSync() {
    let facts = CoordinatorFacts(brokers: 1, copies: 1, leastCopies: 2)
    let text = facts.obstacle(to: .transactions, KafkaTools("k"))?.description ?? ""
    #expect(text.contains("--entity-name __transaction_state --add-config min.insync.replicas=1"))
    #expect(text.contains("transaction.state.log.min.isr=1"))
  }

  @Test func whatIsFineExplainsNothing() {
    #expect(
      CoordinatorFacts(brokers: 3, copies: 3, leastCopies: 2)
        .obstacle(to: .transactions, KafkaTools("k")) == nil)
    #expect(
      CoordinatorFacts(
        brokers: 3, properties: ["transaction.state.log.replication.factor": "3"]
      ).obstacle(to: .transactions, KafkaTools("k")) == nil)
    // Without the right to see more, the likeliest reason is named.
    #expect(CoordinatorFacts(brokers: 1).obstacle(to: .groups, KafkaTools("k")) != nil)
    // Of a coordinator that may well work only what is seen counts.
    #expect(
      CoordinatorFacts(brokers: 1).obstacle(to: .groups, KafkaTools("k"), guesses: false) == nil)
  }
}

@Suite struct RightsNeededTests {
  @Test func everyTopicGroupAndIDIsCovered() {
    var settings = Settings()
    settings.application = "app"
    settings.topics.prefix = "p"
    let needed = RightsNeeded(settings)
    let text = needed.text(principal: "User:pj", KafkaTools("k:9092"))
    for topic in settings.topology.topics.map({ settings.topology[$0] }) {
      #expect(text.contains("--topic \(topic)\n"))
    }
    let groups = needed.groups.map(\.name)
    #expect(groups.count == 5 && groups.allSatisfy { $0.hasPrefix("p.app-") })
    #expect(text.contains("--group p.app- --resource-pattern-type prefixed"))
    #expect(text.contains("--transactional-id p.app- --resource-pattern-type prefixed"))
    #expect(text.contains("--transactional-id p.projectionist-control "))
    let ratings = needed.parts[0].rights.first { $0.resource == .topic("p.user-ratings") }
    #expect(ratings?.operations == ["Describe", "DescribeConfigs", "Read"])
    let changelog = needed.parts[0].rights.first { $0.resource == .topic("p.app-user-changelog") }
    #expect(changelog?.operations == ["Describe", "DescribeConfigs", "Read", "Write"])
    #expect(needed.written.contains("p.recommendation-requests"))
    #expect(!needed.written.contains("p.movies") && needed.read.contains("p.models"))
  }

  @Test func namesBeginWithWholeWords() {
    #expect(RightsNeeded.beginning(of: ["a-user", "a-movie"]) == "a-")
    #expect(RightsNeeded.beginning(of: ["a-b-intake", "a-b-index"]) == "a-b-")
    #expect(RightsNeeded.beginning(of: []) == "")
  }
}

import Console
import KafkaLog
import Pipeline
import Streams
import Testing

@testable import Configuration
@testable import Wiring

@Suite struct TopicReportTests {
  private typealias Properties = KafkaAdmin.TopicProperties

  private func declared(_ settings: Settings = Settings()) throws -> [DeclaredTopic] {
    try TopicCatalog.topics(settings)
  }

  /// A cluster that has everything as declared.
  private func cluster() throws -> (
    partitions: [String: Int32], properties: [String: Properties]
  ) {
    let topics = try declared()
    return (
      Dictionary(uniqueKeysWithValues: topics.map { ($0.name, Int32($0.partitions)) }),
      Dictionary(
        uniqueKeysWithValues: topics.map {
          ($0.name, Properties($0.config, own: Set($0.config.keys)))
        })
    )
  }

  private func statuses(_ report: TopicReport) -> [String: TopicReport.Status] {
    Dictionary(uniqueKeysWithValues: report.entries.map { ($0.topic.name, $0.status) })
  }

  @Test func missingIsToldFromMisconfigured() throws {
    var (partitions, properties) = try cluster()
    let good = TopicReport(try declared(), partitions: partitions, properties: properties)
    #expect(good.isOK)
    #expect(good.failure == nil)

    partitions["movies"] = nil
    partitions["validated-ratings"] = 3
    partitions["user-ratings"] = 12
    properties["user-features"]?.values["cleanup.policy"] = "delete"
    let report = TopicReport(
      try declared(), partitions: partitions, properties: properties,
      tools: KafkaTools("kafka:9092"))
    let statuses = statuses(report)
    #expect(statuses["movies"] == .missing)
    #expect(
      statuses["validated-ratings"] == .misconfigured([.partitions(found: 3, wanted: 4)]))
    #expect(statuses["user-ratings"] == .ok)
    #expect(
      statuses["user-features"]
        == .misconfigured([.property("cleanup.policy", found: "delete", wanted: "compact")]))
    #expect(report.failure?.status == .topicsDiffer)
    #expect(report.missing.map(\.name) == ["movies"])
    let message = try #require(report.failure).message
    for part in [
      "1 missing: create them with `projectionist topics apply`", "has 3 partitions, not 4",
      "kafka-topics.sh --bootstrap-server kafka:9092 --alter --topic validated-ratings"
        + " --partitions 4",
      "kafka-configs.sh --bootstrap-server kafka:9092 --alter --entity-type topics"
        + " --entity-name user-features --add-config cleanup.policy=compact",
    ] { #expect(message.contains(part)) }
    #expect(!message.contains("auto.create.topics.enable"))
  }

  /// The broker makes a topic that somebody names, with its own defaults.
  @Test func whatTheBrokerMadeByItselfIsTold() throws {
    var (partitions, properties) = try cluster()
    for name in ["user-ratings", "validated-ratings"] {
      partitions[name] = 1
      let defaults = [
        "cleanup.policy": "delete", "retention.ms": "604800000", "retention.bytes": "-1",
        "message.timestamp.type": "CreateTime",
      ]
      properties[name] = Properties(defaults)
    }
    let report = TopicReport(try declared(), partitions: partitions, properties: properties)
    let retention = TopicReport.Difference.property(
      "retention.ms", found: "604800000", wanted: "-1")
    let statuses = statuses(report)
    #expect(
      statuses["validated-ratings"] == .selfMade([.partitions(found: 1, wanted: 4), retention]))
    guard case .selfMade(let differences)? = statuses["user-ratings"] else {
      Issue.record("the topic is not told to be the broker's")
      return
    }
    #expect(differences.contains(retention))
    #expect(
      !differences.contains { if case .partitions = $0 { true } else { false } },
      "any count will do")
    #expect(report.failure?.message.contains("auto.create.topics.enable") == true)
  }

  /// More partitions than the keys were placed among are no failure.
  @Test func aGrownTopicIsUsedAsItWas() throws {
    var (partitions, properties) = try cluster()
    for name in partitions.keys where partitions[name] == 4 { partitions[name] = 6 }
    var settings = Settings()
    settings.topics.partitions = 6
    let used = PartitionCounts(["topics.partitions": 4, "topics.movie_partitions": 1])
    let report = TopicReport(
      try declared(settings), configured: settings.partitionCounts, counts: used,
      partitions: partitions, properties: properties)
    #expect(report.isOK && report.failure == nil)
    let statuses = statuses(report)
    #expect(statuses["validated-ratings"] == .grown && statuses["recommendations"] == .ok)
    #expect(report.found(.validatedRatings) == 6)
    let warnings = report.warnings
    #expect(warnings.contains { $0.hasPrefix("topics.partitions is 6") })
    for name in ["validated-ratings", "recommendation-requests", "projectionist-user-changelog"] {
      #expect(warnings.contains { $0.hasPrefix("\(name) has 6 partitions") })
    }
    #expect(warnings.count == 5, "\(warnings)")
    properties["validated-ratings"]?.values["retention.ms"] = "1"
    let wrong = TopicReport(
      try declared(settings), configured: settings.partitionCounts, counts: used,
      partitions: partitions, properties: properties)
    #expect(!wrong.isOK && wrong.warnings.count == 5)
  }

  @Test func whatIsMissingIsMadeWithTheCountInUse() throws {
    var settings = Settings()
    settings.topics.partitions = 6
    let report = TopicReport(
      try declared(settings), counts: PartitionCounts(["topics.partitions": 4]), partitions: [:],
      properties: [:])
    let made = Dictionary(uniqueKeysWithValues: report.missing.map { ($0.name, $0.partitions) })
    #expect(made["validated-ratings"] == 4 && made["user-ratings"] == 6)
  }

  @Test func whatWasCreatedCountsAsThere() throws {
    var report = TopicReport(try declared(), partitions: [:], properties: [:])
    #expect(report.missing.count == TopicCatalog.files.count)
    report.noteCreated(Set(report.missing.map(\.name)))
    #expect(report.isOK)
  }

  @Test func propertiesNotToldAreNotCompared() throws {
    let report = TopicReport(try declared(), partitions: try cluster().partitions, properties: nil)
    #expect(report.isOK)
    #expect(!report.knowsProperties)
  }

  /// What an earlier version made lacks a property that came later, which the stages can live with.
  @Test func aTopicThatTakesTheFutureIsNamed() throws {
    var (partitions, properties) = try cluster()
    let name = "message.timestamp.after.max.ms"
    func report() throws -> TopicReport {
      TopicReport(
        try declared(), partitions: partitions, properties: properties,
        tools: KafkaTools("kafka:9092"))
    }
    #expect(try report().laxities.isEmpty)
    properties["user-ratings"]?.values[name] = "60000"
    #expect(try report().laxities.isEmpty, "who keeps more out is not lax")
    properties["user-ratings"]?.values[name] = "\(Int64.max)"
    let lax = try report()
    #expect(lax.isOK && lax.failure == nil)
    let laxity = try #require(lax.laxities.first)
    #expect(
      laxity.mend == "kafka-configs.sh --bootstrap-server kafka:9092 --alter --entity-type topics"
        + " --entity-name user-ratings --add-config \(name)=3600000")
    #expect(lax.description.contains(laxity.mend))
    properties["user-ratings"]?.values[name] = nil
    #expect(try report().laxities.isEmpty, "brokers before 3.6 don't know it")
    partitions["user-ratings"] = nil
    #expect(try report().laxities.isEmpty)
  }
}

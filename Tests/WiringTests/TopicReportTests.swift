import Console
import Pipeline
import Testing

@testable import Configuration
@testable import Wiring

@Suite struct TopicReportTests {
  private func declared() throws -> [DeclaredTopic] { try TopicCatalog.topics(Settings()) }

  /// A cluster that has everything as declared.
  private func cluster() throws -> (
    partitions: [String: Int32], properties: [String: [String: String]]
  ) {
    let topics = try declared()
    return (
      Dictionary(uniqueKeysWithValues: topics.map { ($0.name, Int32($0.partitions)) }),
      Dictionary(uniqueKeysWithValues: topics.map { ($0.name, $0.config) })
    )
  }

  @Test func missingIsToldFromMisconfigured() throws {
    var (partitions, properties) = try cluster()
    let good = TopicReport(try declared(), partitions: partitions, properties: properties)
    #expect(good.isOK)
    #expect(good.failure == nil)

    partitions["movies"] = nil
    partitions["validated-ratings"] = 3
    partitions["user-ratings"] = 12
    properties["user-features"]?["cleanup.policy"] = "delete"
    let report = TopicReport(try declared(), partitions: partitions, properties: properties)
    let statuses = Dictionary(
      uniqueKeysWithValues: report.entries.map { ($0.topic.name, $0.status) })
    #expect(statuses["movies"] == .missing)
    #expect(statuses["validated-ratings"] == .misconfigured(["has 3 partitions, not 4"]))
    #expect(statuses["user-ratings"] == .ok)
    #expect(
      statuses["user-features"]
        == .misconfigured(["cleanup.policy is delete, not compact"]))
    #expect(report.failure?.status == .topicsDiffer)
    #expect(report.missing.map(\.name) == ["movies"])
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
}

import ArgumentParser
import Configuration
import Console
import Foundation
import KafkaLog
import Wiring

struct TopicsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "topics",
    abstract:
      "List the topics, check them on the cluster, create those that are missing, claim them.",
    subcommands: [
      List.self, Show.self, Check.self, Apply.self, TopicsClaimCommand.self,
      TopicsRightsCommand.self,
    ],
    defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the topics as declared; asks no broker.")

    @OptionGroup var common: CommonOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      let topics = try TopicCatalog.topics(try common.load().settings)
      if json {
        return print(try JSONText.of(topics.map(TopicOutput.init)))
      }
      var table = TextTable(["TOPIC", "PARTITIONS", "POLICY", "WRITTEN BY"], rightAligned: [1])
      for topic in topics {
        table.append([topic.name, "\(topic.partitions)", topic.policy, topic.writtenBy])
      }
      print(table.description, terminator: "")
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print a topic's declaration, with the JSON Schema of its key and value.")

    @OptionGroup var common: CommonOptions
    @Argument(help: "The topic's name.") var topic: String

    func run() throws {
      let settings = try common.load().settings
      for declared in try TopicCatalog.topics(settings) where declared.name == topic {
        guard let file = TopicCatalog.files[declared.declaration] else { continue }
        return print(declared.text(file), terminator: "")
      }
      throw CommandFailure(
        .usage, "no topic is called \(topic); `projectionist topics list` names them")
    }
  }

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Compare the cluster's topics with their declarations.",
      discussion:
        "Exits with 2 when a topic is missing or not as declared, and prints the commands of"
        + " Kafka's own tools that mend it. A topic with more partitions than are used is no"
        + " failure."
    )

    @OptionGroup var common: CommonOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      let (settings, logger) = try common.start("topics")
      let report = try TopicReport(settings, try settings.makeAdmin(logger), logger)
      if json {
        print(try JSONText.of(report.entries.map { TopicOutput($0, report) }))
      } else {
        print(report.description, terminator: "")
      }
      if let failure = report.failure { throw failure }
    }
  }

  struct Apply: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create the topics that are missing; never deletes one.",
      discussion: """
        Topics that the broker made by itself (auto.create.topics.enable) get the properties that \
        are declared; no other is altered. Reports what it made, topic by topic. What a cluster \
        refuses is left out where the stages can live with it: a smaller max.message.bytes, its \
        own replication factor, retention.bytes, segment.bytes, min.compaction.lag.ms and \
        min.cleanable.dirty.ratio. One topic that is refused stops none of the others.
        """)

    @OptionGroup var common: CommonOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      let (settings, logger) = try common.start("topics")
      let admin = try settings.makeAdmin(logger)
      var report = try TopicReport(settings, admin, logger)
      // Another application would get changelogs that it can't use.
      try TopicOwners(settings, logger).check(try admin.topics())
      let outcomes = try report.apply(admin)
      if !outcomes.isEmpty { report = try TopicReport(settings, admin, logger) }
      if json {
        print(
          try JSONText.of(
            report.entries.map { entry in
              TopicOutput(entry, report, outcomes.first { $0.topic == entry.topic.name })
            }))
      } else {
        for outcome in outcomes { print(outcome.text) }
        print(report.description, terminator: "")
      }
      if let failure = TopicReport.failure(of: outcomes) ?? report.failure { throw failure }
    }
  }
}

/// A topic in `--json`.
private struct TopicOutput: Encodable {
  var name: String
  var description: String
  var writtenBy: String
  var partitions: Int
  var config: [String: String]
  var status: String?
  var details: [String]?
  var mends: [String]?
  var result: String?
  var notes: [String]?

  init(_ topic: DeclaredTopic) {
    name = topic.name
    description = topic.description
    writtenBy = topic.writtenBy
    partitions = topic.partitions
    config = topic.config
  }

  init(_ entry: TopicReport.Entry, _ report: TopicReport, _ outcome: TopicOutcome? = nil) {
    self.init(entry.topic)
    status = entry.status.name
    details = report.details(of: entry)
    mends = report.mends(of: entry)
    result = outcome?.result.rawValue
    notes = outcome.map { $0.notes + [$0.failure].compactMap(\.self).map { "\($0)" } }
  }

  private enum CodingKeys: String, CodingKey {
    case name, description, partitions, config, status, details, mends, result, notes
    case writtenBy = "written_by"
  }
}

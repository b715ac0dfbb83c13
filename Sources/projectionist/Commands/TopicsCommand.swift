import ArgumentParser
import EventLog
import Foundation
import KafkaLog
import Logging

struct TopicsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "topics",
    abstract: "List the topics, check them on the cluster, create those that are missing.",
    subcommands: [List.self, Show.self, Check.self, Apply.self],
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
      discussion: "Exits with 2 when a topic is missing or not as declared.")

    @OptionGroup var common: CommonOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      let (settings, logger) = try common.start("topics")
      let report = try TopicReport(
        try TopicCatalog.topics(settings), admin: try settings.makeAdmin(logger))
      if json {
        print(try JSONText.of(report.entries.map(TopicOutput.init)))
      } else {
        print(report.description, terminator: "")
      }
      if let failure = report.failure { throw failure }
    }
  }

  struct Apply: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create the topics that are missing; never deletes or alters one.")

    @OptionGroup var common: CommonOptions
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
      let (settings, logger) = try common.start("topics")
      let admin = try settings.makeAdmin(logger)
      var report = try TopicReport(try TopicCatalog.topics(settings), admin: admin)
      let created = report.missing.map(\.name)
      try report.createMissing(admin)
      if json {
        print(try JSONText.of(report.entries.map(TopicOutput.init)))
      } else {
        for name in created { print("created \(name)") }
        print(report.description, terminator: "")
      }
      if let failure = report.failure { throw failure }
    }
  }
}

extension TopicReport {
  /// Creates the topics that are missing and notes them as they are now.
  ///
  /// - Parameter look: called again and again while the cluster makes them; ends the wait by throwing.
  mutating func createMissing(_ admin: KafkaAdmin, look: () throws -> Void = {}) throws {
    guard !missing.isEmpty else { return }
    guard knowsProperties else {
      throw CommandFailure(
        .topicsDiffer,
        "the embedded broker makes its topics itself, when it starts: start it again with the same"
          + " configuration as this command")
    }
    let results = try admin.create(
      missing.map { topic in
        KafkaAdmin.NewTopic(
          topic.name, partitions: Int32(clamping: topic.partitions),
          replicationFactor: Int16(clamping: topic.replicationFactor), properties: topic.config)
      })
    for case (let name, .failed(let error)) in results.sorted(by: { $0.key < $1.key }) {
      throw CommandFailure(ExitStatus(of: error), "topic \(name) can't be created: \(error)")
    }
    try Self.awaitVisible(Set(results.keys), admin, look)
    noteCreated(Set(results.keys))
  }

  /// Brokers learn of a new topic a moment after it is made; whoever produces to it at once would be
  /// told that there is none.
  private static func awaitVisible(
    _ names: Set<String>, _ admin: KafkaAdmin, _ look: () throws -> Void
  ) throws {
    let deadline = ContinuousClock.now + .seconds(10)
    while !names.isSubset(of: try admin.topics().keys) {
      guard ContinuousClock.now < deadline else {
        throw CommandFailure(
          .unavailable, "the cluster has made topics but does not show them after 10 s: try again")
      }
      try look()
      Thread.sleep(forTimeInterval: 0.05)
    }
  }

  /// A table for people.
  var description: String {
    var table = TextTable(["TOPIC", "STATUS", "DETAIL"])
    for (topic, status) in entries {
      table.append([topic.name, status.name, status.details.joined(separator: "; ")])
    }
    let note = "The embedded broker does not tell its topics' properties: they are not compared.\n"
    return table.description + (knowsProperties ? "" : note)
  }

  /// What a command that found this must end with; `nil` when all is as declared.
  var failure: CommandFailure? {
    if isOK { return nil }
    let misconfigured = entries.count { !$0.status.details.isEmpty }
    var parts: [String] = []
    if !missing.isEmpty {
      parts.append("\(missing.count) missing: create them with `projectionist topics apply`")
    }
    if misconfigured > 0 {
      parts.append(
        "\(misconfigured) not as declared: alter them with Kafka's own tools (kafka-configs),"
          + " or change the configuration")
    }
    return CommandFailure(.topicsDiffer, "topics: " + parts.joined(separator: "; "))
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

  init(_ topic: DeclaredTopic) {
    name = topic.name
    description = topic.description
    writtenBy = topic.writtenBy
    partitions = topic.partitions
    config = topic.config
  }

  init(_ entry: (topic: DeclaredTopic, status: TopicReport.Status)) {
    self.init(entry.topic)
    status = entry.status.name
    details = entry.status.details
  }

  private enum CodingKeys: String, CodingKey {
    case name, description, partitions, config, status, details
    case writtenBy = "written_by"
  }
}

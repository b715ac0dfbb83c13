import ArgumentParser
import Configuration
import Console
import Pipeline
import StateStore
import Streams
import Wiring

/// `projectionist topology`
struct TopologyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "topology",
    abstract: "Print the stages and what they read, write and keep; asks no broker.",
    discussion: """
      As text, what a stage writes stands below it. --format mermaid prints a flowchart for Mermaid. \
      --json prints everything, with the names as the broker, Redis and the disk have them:

        application, prefix, generation, state_directory, feast_project
        topics[]   name (in this program), topic (on the broker),
                   scope (shared, generation or changelog), partitions,
                   any_partition_count, written_by, read_by[]
        stages[]   name, group, inputs[], outputs[], globals[] (read as a
                   whole), lookups[] (single records), changelog,
                   positions (its own, in the log), tables[],
                   guarantee, upstream[], follows, projects_to, linger_ms,
                   gathering_ms, batch_records, niceness
        tables[]   number, name, keys (identifier, pair or text), values,
                   summary

      Absent are changelog, positions, follows, projects_to and gathering_ms where a stage has \
      none.
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument {
    case text
    case mermaid
  }

  @OptionGroup var common: CommonOptions
  @Option(help: "How to draw it: text or mermaid.") var format = Format.text
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let settings = try common.load().settings
    if json { return print(try JSONText.of(TopologyOutput(settings))) }
    let topology = settings.topology
    switch format {
    case .text:
      print(topology.text, terminator: "")
      if !topology.prefix.isEmpty {
        print("\nOn the cluster, topics and groups are named \(topology.prefix).…")
      }
    case .mermaid: print(topology.mermaid, terminator: "")
    }
  }
}

/// The topology in `--json`; the command's help explains its fields.
struct TopologyOutput: Encodable {
  struct Topic: Encodable {
    var name: String
    var topic: String
    var scope: String
    var partitions: Int
    var anyPartitionCount: Bool
    var writtenBy: String
    var readBy: [String]

    private enum CodingKeys: String, CodingKey {
      case name, topic, scope, partitions
      case anyPartitionCount = "any_partition_count"
      case writtenBy = "written_by"
      case readBy = "read_by"
    }
  }

  struct Table: Encodable {
    var number: UInt8
    var name: String
    var keys: String
    var values: String
    var summary: String
  }

  struct Stage: Encodable {
    var name: String
    var group: String
    var inputs: [String]
    var outputs: [String]
    var globals: [String]
    var lookups: [String]
    var changelog: String?
    var positions: String?
    var tables: [Table]
    var guarantee: String
    var upstream: [String]
    var follows: String?
    var projectsTo: String?
    var linger: Int
    var gathering: Int?
    var batchRecords: Int
    var niceness: Int32

    private enum CodingKeys: String, CodingKey {
      case name, group, inputs, outputs, globals, lookups, changelog, tables, guarantee, upstream
      case positions, follows, niceness
      case projectsTo = "projects_to"
      case linger = "linger_ms"
      case gathering = "gathering_ms"
      case batchRecords = "batch_records"
    }
  }

  var application: String
  var prefix: String
  var generation: Int
  var stateDirectory: String
  var feastProject: String
  var topics: [Topic]
  var stages: [Stage]

  private enum CodingKeys: String, CodingKey {
    case application, prefix, generation, topics, stages
    case stateDirectory = "state_directory"
    case feastProject = "feast_project"
  }

  init(_ settings: Settings) {
    let topology = settings.topology
    application = topology.application
    prefix = topology.prefix
    generation = topology.generation
    stateDirectory = settings.stateRoot
    feastProject = settings.feastProjection.project
    topics = topology.topics.map { topic in
      Topic(
        name: topic.name, topic: topology[topic], scope: topic.scope.rawValue,
        partitions: settings.partitionCount(of: topic),
        anyPartitionCount: topic.acceptsAnyPartitionCount, writtenBy: topology.writtenBy(topic),
        readBy: topology.stages
          .filter { ($0.inputs + $0.globals + $0.lookups).contains(topic) }.map(\.name))
    }
    stages = topology.stages.map { Self.stage($0, topology, settings) }
  }

  private static func stage(
    _ stage: StageDeclaration, _ topology: Topology, _ settings: Settings
  ) -> Stage {
    let settings = settings.stageSettings
    let guarantee = stage.guarantee ?? settings.guarantee
    let limits = stage.pacing.limits(settings, under: guarantee)
    func milliseconds(_ duration: Duration) -> Int { Int(duration / .milliseconds(1)) }
    return Stage(
      name: stage.name, group: topology.group(of: stage), inputs: topology.inputs(of: stage),
      outputs: topology.outputs(of: stage), globals: stage.globals.map { topology[$0] },
      lookups: stage.lookups.map { topology[$0] }, changelog: topology.changelog(of: stage),
      positions: stage.positions.map { topology[$0] },
      tables: stage.tables.map { table in
        let keys =
          switch table.keys {
          case .identifier: "identifier"
          case .pair: "pair"
          case .text: "text"
          }
        return Table(
          number: table.table.rawValue, name: table.name, keys: keys, values: table.values.name,
          summary: table.summary)
      }, guarantee: guarantee.rawValue, upstream: topology.upstream(of: stage).map(\.name),
      follows: stage.follows, projectsTo: stage.projectsTo,
      linger: milliseconds(limits.linger),
      gathering: stage.pacing.gathering.value(under: guarantee).map(milliseconds),
      batchRecords: limits.records, niceness: stage.pacing.niceness)
  }
}

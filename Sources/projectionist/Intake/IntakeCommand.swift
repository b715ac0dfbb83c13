import ArgumentParser
import Configuration
import Console
import Operations
import Pipeline
import Ratings
import Streams
import Wiring

/// `projectionist intake`
struct IntakeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "intake",
    abstract: "Show the settings that events are judged by.",
    subcommands: [IntakePolicyCommand.self],
    defaultSubcommand: IntakePolicyCommand.self)
}

/// `projectionist intake policy`
struct IntakePolicyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy",
    abstract:
      "Print the settings that each partition's events are judged by, and from which offset on.",
    discussion: """
      A new event is judged by the configuration, and where that differs from the settings before, \
      the control topic says from which offset on. An event that is read again is judged as it was \
      judged first: what lies before a partition's first line was judged by an earlier version, \
      whose rules are edition 1.
      """)

  @OptionGroup var common: CommonOptions
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let (settings, logger) = try common.start("intake")
    let recorded = try RecordedPolicies(settings, logger)
    let output = IntakePolicyOutput(
      group: recorded.group, configured: settings.intakePolicy, recorded.schedules)
    print(json ? try JSONText.of(output) : output.text, terminator: json ? "\n" : "")
  }
}

/// What `intake policy` prints.
struct IntakePolicyOutput: Encodable {
  struct Policy: Encodable {
    var from: Int64?
    var rules: Int?
    var accept: [String]?
    var timeZone: String?
    /// Why nothing else is known of it.
    var unreadable: String?

    private enum CodingKeys: String, CodingKey {
      case from, rules, accept, unreadable
      case timeZone = "time_zone"
    }

    init(_ policy: IntakePolicy) {
      rules = policy.rules.rawValue
      accept = policy.accepts.names
      timeZone = policy.timeZone
    }

    init(_ entry: PolicySchedule.Entry) {
      from = entry.from
      switch entry.recorded {
      case .policy(let policy):
        rules = policy.rules.rawValue
        accept = policy.accepts.names
        timeZone = policy.timeZone
      case .unreadable(let why): unreadable = why
      }
    }

    /// As the configuration names them.
    var acceptText: String {
      guard let accept else { return "" }
      if accept == CoercionSet.all.names { return "all" }
      return accept.isEmpty ? "none" : accept.joined(separator: ",")
    }
  }

  struct Partition: Encodable {
    var partition: Int32
    var policies: [Policy]
  }

  var group: String
  var configured: Policy
  var partitions: [Partition]

  init(
    group: String, configured: IntakePolicy,
    _ schedules: [(partition: Int32, schedule: PolicySchedule)]
  ) {
    self.group = group
    self.configured = Policy(configured)
    partitions = schedules.map { partition, schedule in
      Partition(partition: partition, policies: schedule.entries.map(Policy.init))
    }
  }

  var text: String {
    var table = TextTable(
      ["PARTITION", "FROM", "RULES", "TIME ZONE", "ACCEPTS"], rightAligned: [0, 1, 2])
    for partition in partitions {
      for policy in partition.policies {
        table.append([
          "\(partition.partition)", policy.from.map { "\($0)" } ?? "",
          policy.rules.map { "\($0)" } ?? "", policy.timeZone ?? "unreadable",
          policy.unreadable ?? policy.acceptText,
        ])
      }
    }
    let now =
      "rules \(configured.rules ?? 0), time zone \(configured.timeZone ?? ""), accepts"
      + " \(configured.acceptText)"
    return table.description + "new events are judged by the configuration: \(now)\n"
  }
}

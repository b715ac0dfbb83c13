package import Configuration
package import Console
import KafkaLog
import Pipeline
import Streams

extension TopicReport {
  /// A table for people, followed by what to do.
  package var description: String {
    var table = TextTable(["TOPIC", "STATUS", "DETAIL"])
    for entry in entries { table.append([entry.topic.name, entry.status.name, detail(of: entry)]) }
    let note = "The embedded broker does not tell its topics' properties: they are not compared.\n"
    let warnings = (warnings + laxities.map(\.description) + tolerances).map { $0 + "\n" }.joined()
    return table.description + (knowsProperties ? "" : note) + warnings
  }

  /// What is not as it should be, in one line.
  package func detail(of entry: Entry) -> String { details(of: entry).joined(separator: "; ") }

  /// What is not as it should be, a phrase each.
  package func details(of entry: Entry) -> [String] {
    let growth =
      "has \(entry.partitions) partitions, of which \(entry.topic.partitions) are used"
    var all = entry.status.differences
    if case .tolerable(let differences) = entry.status { all = differences }
    return all.map(\.description) + (entry.isGrown ? [growth] : [])
  }

  /// What a command that found this must end with; `nil` when the stages can run.
  package var failure: CommandFailure? {
    if isOK { return nil }
    var parts: [String] = []
    if !missing.isEmpty {
      parts.append("\(missing.count) missing: create them with `projectionist topics apply`")
    }
    for entry in entries where !entry.status.differences.isEmpty {
      var lines = ["\(entry.topic.name) \(detail(of: entry))."]
      if case .selfMade = entry.status {
        lines.append(
          "It has nothing but the broker's defaults, as a topic that the broker made by itself"
            + " (auto.create.topics.enable); `projectionist topics apply` gives it its properties.")
      }
      lines.append("Mend it with")
      parts.append(lines.joined(separator: " ") + mends(of: entry).map { "\n    \($0)" }.joined())
    }
    return CommandFailure(.topicsDiffer, "topics: " + parts.joined(separator: "\n  "))
  }

  /// The commands that make a topic as declared.
  package func mends(of entry: Entry) -> [String] {
    var commands: [String] = []
    var properties: [String] = []
    for difference in entry.status.differences {
      switch difference {
      case .partitions(_, let wanted):
        commands.append(
          "\(tools.command("kafka-topics")) --alter --topic \(entry.topic.name) --partitions \(wanted)"
        )
      case .property(let name, _, let wanted):
        properties.append("\(name)=" + (wanted.contains(",") ? "[\(wanted)]" : wanted))
      case .excused: break
      }
    }
    if !properties.isEmpty {
      commands.append(setting(properties, of: entry))
    }
    return commands
  }

  private func setting(_ properties: [String], of entry: Entry) -> String {
    "\(tools.command("kafka-configs")) --alter --entity-type topics"
      + " --entity-name \(entry.topic.name)"
      + " --add-config \(properties.joined(separator: ","))"
  }

  // MARK: What the stages run on with

  /// What should be known although the stages can run: a sentence each.
  package var warnings: [String] {
    let settings = configured.byGroup.sorted { $0.key < $1.key }.compactMap { key, wanted in
      counts.byGroup[key].flatMap { $0 == wanted ? nil : Self.unlike(key, wanted, used: $0) }
    }
    return settings + entries.filter(\.isGrown).map(Self.grown)
  }

  /// What is not as declared although the stages can live with it: a sentence each.
  package var tolerances: [String] {
    entries.compactMap { entry in
      guard case .tolerable = entry.status else { return nil }
      return "\(entry.topic.name): \(detail(of: entry))"
    }
  }

  /// A property that keeps less out than declared.
  package struct Laxity: CustomStringConvertible {
    package let text: String
    /// The command that sets it.
    package let mend: String

    package var description: String { "\(text). Set it with `\(mend)`" }
  }

  /// What topics lack that were made before the brokers knew it, or by an earlier version.
  package var laxities: [Laxity] {
    entries.flatMap { entry in
      Self.optionalProperties.sorted().compactMap { name in
        guard let wanted = entry.topic.config[name], let found = entry.properties?.values[name],
          let most = Int64(found), most > Int64(wanted) ?? .max
        else { return nil }
        return Laxity(
          text:
            "\(entry.topic.name) takes records of the future: \(name) is \(found), not \(wanted)",
          mend: setting(["\(name)=\(wanted)"], of: entry))
      }
    }
  }

  /// Topics that don't take any record time although they are declared to: a sentence, if there
  /// are some.
  package var timeLimits: [String] {
    let limited = entries.filter { entry in
      !entry.times.isNone
        && !entry.topic.config.keys.contains { $0.hasPrefix("message.timestamp.") }
    }.map(\.topic.name)
    guard !limited.isEmpty else { return [] }
    return [
      "record times are limited (message.timestamp.*), and what the daemon writes is kept within"
        + " the limits: \(limited.joined(separator: ", "))"
    ]
  }

  private static func unlike(_ key: String, _ wanted: Int32, used: Int32) -> String {
    "\(key) is \(wanted), but keys are placed among \(used) partitions: \(used) are used. Set it to"
      + " \(used). If all topics that stages write are new and empty, and no daemon runs, `projectionist"
      + " topics claim` makes it \(wanted)"
  }

  private static func grown(_ entry: Entry) -> String {
    growth(of: entry.topic, to: entry.partitions)
  }

  /// Why a topic's partitions beyond those used are left alone, and what to do about it.
  package static func growth(of topic: DeclaredTopic, to partitions: Int) -> String {
    let used = topic.partitions
    if topic.declaration == .requests {
      return "\(topic.name) has \(partitions) partitions, and users' state is placed among \(used):"
        + " requests in the others are forwarded to their users' partitions. Nothing has to be done"
    }
    return "\(topic.name) has \(partitions) partitions, but the keys in the log are placed among"
      + " \(used): the others are not used, and nothing is lost. Nothing has to be done; leave"
      + " topics.partitions and topics.movie_partitions as they are. More can be used only when all"
      + " state is computed again from user-ratings"
  }
}

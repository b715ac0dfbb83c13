package import Configuration
import Console
import EventLog
import Foundation
import KafkaLog
package import Logging
import Pipeline
import Streams
import Wiring

/// Checks everything the configuration points to: Kafka, topics and their owner, Redis, MLflow, the
/// state directory.
package enum InstallationCheck {
  package static func findings(_ settings: Settings, _ logger: Logger) -> [CheckFinding] {
    var findings = checkKafka(settings, logger)
    let projects = settings.topology.stages.contains {
      $0.projectsTo != nil && settings.stages.contains($0.name)
    }
    if projects { findings += RedisCheck(settings, logger).findings() }
    if settings.usesMLflow { findings.append(MLflowCheck.finding(settings)) }
    findings.append(checkStateDirectory(settings))
    return findings
  }

  private static func checkKafka(_ settings: Settings, _ logger: Logger) -> [CheckFinding] {
    do throws(LogError) {
      let admin = try settings.makeAdmin(logger)
      let cluster = try admin.cluster()
      let brokers = cluster.brokers.joined(separator: ", ")
      let kafka = CheckFinding("kafka", ok: "cluster \(cluster.id) answers, at \(brokers)")
      let topics = {
        // What to do about topics depends on whose they are.
        let topics = [checkOwner(settings, logger), checkTopics(settings, admin, logger)]
        // Without the topics there are no positions in them either.
        guard topics.allSatisfy(\.ok) else { return topics }
        return topics
          + HistoryCheck(settings: settings, logger: logger, clusterID: cluster.id).findings()
      }
      if cluster.isEmbedded { return [kafka] + topics() }
      let (found, canSeeTopics) = ClusterCheck.run(settings, admin, cluster, logger)
      return [kafka] + found + (canSeeTopics ? topics() : [])
    } catch {
      return [
        CheckFinding(
          "kafka", failed: ExitStatus(of: error), error.message,
          advice: settings.advice(for: error))
      ]
    }
  }

  private static func checkTopics(_ settings: Settings, _ admin: KafkaAdmin, _ logger: Logger)
    -> CheckFinding
  {
    do {
      let report = try TopicReport(settings, admin, logger)
      guard report.isOK else {
        let details = report.entries.filter { !$0.status.isUsable }.map { entry in
          [entry.topic.name, entry.status.name, report.detail(of: entry)]
            .filter { !$0.isEmpty }.joined(separator: " ")
        }
        let creation =
          report.missing.isEmpty
          ? [] : ["create the missing ones with `projectionist topics apply`"]
        return CheckFinding(
          "topics", failed: .topicsDiffer, details.joined(separator: "; "),
          advice: (creation + report.entries.flatMap(report.mends)).joined(
            separator: "\n        → "))
      }
      let copies = (try? admin.copies()) ?? [:]
      if let stuck = report.entries.first(where: { $0.cannotBeWritten(copies) }) {
        return stuckFinding(stuck, settings)
      }
      let thin = report.entries.filter { $0.hasFewerCopies(copies) }
      return thin.isEmpty ? finding(report) : thinFinding(thin, copies)
    } catch {
      let status = ExitStatus(of: error) ?? .failure
      return CheckFinding(
        "topics", failed: status, "\(error)",
        advice: status == .denied
          ? "check the rights of this client to describe topics"
          : "the daemon ends with the same at its start")
    }
  }

  /// On topics that the stages can run on.
  private static func finding(_ report: TopicReport) -> CheckFinding {
    let notes = report.warnings + report.tolerances + report.timeLimits
    let laxities = report.laxities
    guard laxities.isEmpty else {
      return CheckFinding(
        "topics", warning: (laxities.map(\.text) + notes).joined(separator: "; "),
        advice: laxities.map(\.mend).joined(separator: "\n        → "))
    }
    return CheckFinding(
      "topics",
      ok: notes.isEmpty
        ? "all \(report.entries.count) are as declared" : notes.joined(separator: "; "))
  }

  private static func thinFinding(_ entries: [TopicReport.Entry], _ copies: [String: Int])
    -> CheckFinding
  {
    let names = entries.map { "\($0.topic.name) (\(copies[$0.topic.name] ?? 0))" }
    return CheckFinding(
      "topics",
      warning: "\(names.joined(separator: ", ")) have fewer copies than"
        + " topics.replication_factor, \(entries[0].topic.replicationFactor): a lost disk may be the"
        + " last copy",
      advice:
        "give them more with kafka-reassign-partitions.sh, or set topics.replication_factor to"
        + " what they have")
  }

  private static func stuckFinding(_ entry: TopicReport.Entry, _ settings: Settings)
    -> CheckFinding
  {
    let name = entry.topic.name
    return CheckFinding(
      "topics", failed: .topicsDiffer,
      "\(name) takes no records: it has fewer copies than its min.insync.replicas",
      advice: "lower it with `\(settings.kafkaSettings.tools.command("kafka-configs"))"
        + " --alter --entity-type topics --entity-name \(name) --add-config"
        + " min.insync.replicas=1`, or give the topic more copies")
  }

  private static func checkOwner(_ settings: Settings, _ logger: Logger) -> CheckFinding {
    do throws(StageError) {
      guard let owner = try TopicOwners(settings, logger).owner() else {
        return CheckFinding(
          "owner", ok: "nobody has claimed the topics; the first start does for its application")
      }
      guard owner.application == settings.application else {
        return CheckFinding(
          "owner", failed: .topicsDiffer,
          "the topics belong to the application \(owner.application), not to"
            + " \(settings.application)",
          advice:
            "set topics.prefix, which gives \(settings.application) topics of its own, or take"
            + " these over for good with `projectionist topics claim --take-over`")
      }
      return CheckFinding("owner", ok: "the topics belong to \(owner.application)")
    } catch {
      if case .log(let failure) = error, failure.code == .unknownTopic {
        return CheckFinding(
          "owner", failed: .topicsDiffer, "there is no topic that says whose the topics are",
          advice: "create it with `projectionist topics apply`")
      }
      return CheckFinding(
        "owner", failed: ExitStatus(of: error) ?? .failure, "\(error)",
        advice: "check the rights of this client to read the control topic")
    }
  }

  /// Changes nothing: a directory made by whoever runs this check might not be the daemon's.
  private static func checkStateDirectory(_ settings: Settings) -> CheckFinding {
    let root = settings.stateRoot
    let existing = URL(fileURLWithPath: root, isDirectory: true).nearestExisting
    guard FileManager.default.isWritableFile(atPath: existing.path) else {
      return CheckFinding(
        "state", failed: .failure, "\(root) can't be written: no right to write \(existing.path)",
        advice: "give this user the right, or change state.directory")
    }
    guard VolatileDirectory(root) == nil else {
      return CheckFinding(
        "state", warning: "\(root) is writable, but the system may empty it at any time",
        advice: "set state.directory to a place that lasts: each loss costs a restore from the"
          + " changelogs")
    }
    return CheckFinding("state", ok: "\(root) is writable")
  }
}

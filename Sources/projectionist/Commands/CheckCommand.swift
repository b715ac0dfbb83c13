import ArgumentParser
import Configuration
import Console
import EventLog
import Foundation
import KafkaLog
import Logging
import Pipeline
import RedisProjection
import Streams
import Wiring

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check the configuration and everything it points to, before a start.",
    discussion: "Exits with 0 when all is well, or else with the code of the first failure.")

  @OptionGroup var common: CommonOptions
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let findings = findings()
    if json {
      print(try JSONText.of(findings))
    } else {
      for finding in findings { print(finding.description) }
    }
    if let failed = findings.first(where: { !$0.ok }) { throw ExitCode(failed.status.rawValue) }
  }

  private func findings() -> [CheckFinding] {
    let settings: Settings
    let logger: Logger
    do {
      (settings, logger) = try common.start("check")
    } catch {
      return [
        CheckFinding(
          "configuration", failed: .configuration, error.description,
          advice: "correct it; `projectionist config` explains every key")
      ]
    }
    var findings = [
      CheckFinding("configuration", ok: common.file.map { "\($0) is valid" } ?? "valid")
    ]
    findings += Self.checkKafka(settings, logger)
    if settings.topology.stages.contains(where: {
      $0.projectsTo != nil && settings.stages.contains($0.name)
    }) {
      findings.append(Self.checkRedis(settings))
    }
    findings.append(Self.checkStateDirectory(settings))
    return findings
  }

  private static func checkKafka(_ settings: Settings, _ logger: Logger) -> [CheckFinding] {
    do throws(LogError) {
      let admin = try settings.makeAdmin(logger)
      let cluster = try admin.cluster()
      let brokers = cluster.brokers.joined(separator: ", ")
      return [
        CheckFinding("kafka", ok: "cluster \(cluster.id) answers, at \(brokers)"),
        checkTopics(settings, admin),
      ]
    } catch {
      let advice =
        switch error.code {
        case .denied: "check kafka.security.protocol and the kafka.sasl.* keys"
        case .configuration: "correct the kafka.* key it names"
        default: "check kafka.bootstrap.servers (\(settings.bootstrapServers)), and that Kafka runs"
        }
      return [
        CheckFinding("kafka", failed: ExitStatus(of: error), error.message, advice: advice)
      ]
    }
  }

  private static func checkTopics(_ settings: Settings, _ admin: KafkaAdmin) -> CheckFinding {
    do {
      let topics = try TopicCatalog.topics(settings)
      let report = try TopicReport(topics, admin: admin)
      guard report.isOK else {
        let details = report.entries.filter { $0.status != .ok }.map { topic, status in
          ([topic.name, status.name] + status.details).joined(separator: " ")
        }
        return CheckFinding(
          "topics", failed: .topicsDiffer, details.joined(separator: "; "),
          advice: report.missing.isEmpty
            ? "alter them with Kafka's own tools (kafka-configs), or change the configuration"
            : "create the missing ones with `projectionist topics apply`")
      }
      return CheckFinding("topics", ok: "all \(topics.count) are as declared")
    } catch {
      return CheckFinding(
        "topics", failed: ExitStatus(of: error) ?? .failure, "\(error)",
        advice: "check the rights of this client to describe topics")
    }
  }

  private static func checkRedis(_ settings: Settings) -> CheckFinding {
    let configuration = settings.redisConfiguration
    do throws(RedisError) {
      try RedisConnection(configuration).ping()
      return CheckFinding("redis", ok: "\(configuration.address) answers")
    } catch {
      return CheckFinding(
        "redis", failed: error.isTransient ? .unavailable : .failure, error.message,
        advice: "check the redis.* keys, and that Redis runs; the daemon would wait for it")
    }
  }

  /// Changes nothing: a directory made by whoever runs this check might not be the daemon's.
  private static func checkStateDirectory(_ settings: Settings) -> CheckFinding {
    let root = settings.stateRoot
    var existing = URL(fileURLWithPath: root, isDirectory: true).standardizedFileURL
    while !FileManager.default.fileExists(atPath: existing.path), existing.path != "/" {
      existing.deleteLastPathComponent()
    }
    guard FileManager.default.isWritableFile(atPath: existing.path) else {
      return CheckFinding(
        "state", failed: .failure, "\(root) can't be written: no right to write \(existing.path)",
        advice: "give this user the right, or change state.directory")
    }
    return CheckFinding("state", ok: "\(root) is writable")
  }
}

/// What one check found.
private struct CheckFinding: Encodable, CustomStringConvertible {
  var name: String
  var ok: Bool
  var detail: String
  /// What to do about a failure.
  var advice: String?
  /// What the process exits with for it.
  var status: ExitStatus

  init(_ name: String, ok detail: String) {
    self.name = name
    ok = true
    self.detail = detail
    status = .success
  }

  init(_ name: String, failed status: ExitStatus, _ detail: String, advice: String) {
    self.name = name
    ok = false
    self.detail = detail
    self.advice = advice
    self.status = status
  }

  private enum CodingKeys: String, CodingKey {
    case name, ok, detail, advice
  }

  var description: String {
    let padding = String(repeating: " ", count: max(0, 14 - name.count))
    let advice = advice.map { "\n        → \($0)" } ?? ""
    return "\(ok ? "ok    " : "failed")  \(name)\(padding)  \(detail)\(advice)"
  }
}

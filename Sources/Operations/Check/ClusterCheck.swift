import Configuration
import Console
import EventLog
import KafkaLog
import Logging
import Pipeline
import Streams
import Wiring

/// Tries what the daemon will do on the cluster: reach its brokers, begin transactions, write and
/// read the topics, be in the groups. Nothing is left but the markers of aborted transactions.
struct ClusterCheck {
  private static let patience = Duration.seconds(6)

  private let settings: Settings
  private let logger: Logger
  private let admin: KafkaAdmin
  private let cluster: KafkaAdmin.Cluster
  private let needed: RightsNeeded
  /// The topics that the cluster shows.
  private var present: Set<String> = []
  private var missing: [AccessRight] = []
  private var findings: [CheckFinding] = []

  init(
    _ settings: Settings, _ admin: KafkaAdmin, _ cluster: KafkaAdmin.Cluster, _ logger: Logger
  ) {
    self.settings = settings
    self.admin = admin
    self.cluster = cluster
    self.logger = logger
    needed = RightsNeeded(settings)
  }

  /// - Returns: what was found, and whether the topics can be looked at.
  static func run(
    _ settings: Settings, _ admin: KafkaAdmin, _ cluster: KafkaAdmin.Cluster, _ logger: Logger
  ) -> (findings: [CheckFinding], canSeeTopics: Bool) {
    var check = ClusterCheck(settings, admin, cluster, logger)
    let failures = AdvertisedBrokers(settings.kafkaSettings, logger).failures(of: cluster)
    if !failures.isEmpty {
      check.fail("listeners", AdvertisedBrokers.error(failures))
      if failures.count == cluster.brokers.count { return (check.findings, false) }
    }
    do throws(LogError) { try check.lookAtTopics() } catch { check.fail("topics", error) }
    let canSeeTopics = check.missing.isEmpty
    check.tryTransactions()
    check.tryGroups()
    check.compareLimits()
    return (check.rights() + check.findings, canSeeTopics)
  }

  private mutating func fail(_ name: String, _ error: LogError) {
    findings.append(
      CheckFinding(
        name, failed: ExitStatus(of: error), error.message,
        advice: error.advice ?? "see what the brokers' logs say about it"))
  }

  /// The rights that are missing.
  private func rights() -> [CheckFinding] {
    guard !missing.isEmpty else {
      return [CheckFinding("rights", ok: "all that the daemon needs are there")]
    }
    return [
      CheckFinding(
        "rights", failed: .denied,
        "missing: " + missing.map(\.text).joined(separator: "; "),
        advice: missing.map(settings.kafkaSettings.command).joined(separator: "\n        → "))
    ]
  }

  // MARK: Topics

  private mutating func lookAtTopics() throws(LogError) {
    present = Set(try admin.topics().keys)
    for topic in settings.topology.topics.map({ settings.topology[$0] }) {
      do throws(LogError) {
        if present.contains(topic) {
          _ = try admin.properties(of: [topic])
        } else {
          _ = try admin.partitionCount(of: topic)
        }
      } catch {
        switch error.code {
        case .denied:
          let operation = present.contains(topic) ? "DescribeConfigs" : "Describe"
          missing.append(AccessRight([operation], on: .topic(topic)))
        case .unknownTopic: break
        default: throw error
        }
      }
    }
  }

  // MARK: Transactions

  /// Each transactional id that the daemon's producers begin with, and what it ends with here.
  private var transactionalIDs: [(beginning: String, id: String)] {
    let topology = settings.topology
    let mark = "check-" + String(UInt32.random(in: .min ... .max), radix: 16)
    let stages = topology.stages.filter { stage in
      settings.stages.contains(stage.name) && !topology.outputs(of: stage).isEmpty
        && (stage.guarantee ?? settings.processing.guarantee) == .exactlyOnce
    }
    let control = topology.control.map { [topology[$0]] } ?? []
    return (control + stages.map(topology.group)).map { ("\($0)-", "\($0)-\(mark)") }
  }

  private mutating func tryTransactions() {
    let log = settings.makeCheckLog(logger)
    var topics = needed.written.filter(present.contains)
    for (beginning, id) in transactionalIDs {
      do throws(LogError) {
        let denied = try log.tryTransaction(id: id, topics: topics, patience: Self.patience)
        missing += denied.sorted().map { AccessRight(["Write"], on: .topic($0)) }
        topics = []
      } catch {
        guard error.code == .denied else {
          return fail(
            "transactions", admin.explain(error, .transactions, settings.kafkaSettings.tools))
        }
        missing.append(
          AccessRight(["Write", "Describe"], on: .transactionalID(beginning), isPrefix: true))
      }
    }
    if !missing.contains(where: \.isOfTransactions) {
      findings.append(CheckFinding("transactions", ok: "begin and end"))
    }
  }

  // MARK: Groups

  private mutating func tryGroups() {
    var topics = needed.read.filter(present.contains)
    var isDenied = false
    let claims = AccessRight(["Read"], on: .group(needed.claims), isPrefix: true)
    let control = settings.topology.control.map { [settings.topology[$0]] } ?? []
    let trials =
      needed.groups.map { ($0.name, $0.inputs, AccessRight(["Read"], on: .group($0.name))) }
      + [(needed.claims + "check", control, claims)]
    for (group, inputs, right) in trials {
      do throws(LogError) {
        // Of a topic that is not there the broker says nothing.
        let tried = topics.isEmpty ? inputs.filter(present.contains) : topics
        let denied = try admin.tryCommit(group: group, of: tried)
        if !topics.isEmpty {
          missing += denied.sorted().map { AccessRight(["Read"], on: .topic($0)) }
        }
        topics = []
      } catch {
        guard error.code == .denied else {
          return fail("groups", admin.explain(error, .groups, settings.kafkaSettings.tools))
        }
        isDenied = true
        missing.append(right)
      }
    }
    if !isDenied { findings.append(CheckFinding("groups", ok: "take members and offsets")) }
  }

  // MARK: Limits

  /// Compares what the brokers allow with what the daemon asks for.
  private mutating func compareLimits() {
    // Without the right to see them, only the attempts above show what they allow.
    guard let broker = cluster.brokerIDs.first,
      let allowed = try? admin.properties(ofBroker: broker)
    else { return }
    let timeout = settings.kafkaSettings.sessionTimeoutMilliseconds
    let limits = (
      allowed["group.min.session.timeout.ms"].flatMap { Int($0) } ?? 0,
      allowed["group.max.session.timeout.ms"].flatMap { Int($0) } ?? .max
    )
    guard timeout < limits.0 || timeout > limits.1 else { return }
    findings.append(
      CheckFinding(
        "limits", failed: .configuration,
        "kafka.session.timeout.ms is \(timeout), and the brokers allow \(limits.0) to \(limits.1)",
        advice: "set kafka.session.timeout.ms within these, or change group.min.session.timeout.ms"
          + " and group.max.session.timeout.ms of the brokers"))
  }
}

extension AccessRight {
  fileprivate var isOfTransactions: Bool {
    if case .transactionalID = resource { true } else { false }
  }
}

import EventLog
import Metrics
import Streams

struct StageLabels: MetricLabels {
  static let names = ["stage"]
  var stage: String
  var values: [String] { [stage] }
}

struct TopicLabels: MetricLabels {
  static let names = ["stage", "topic"]
  var stage: String
  /// `nil` for topics that are not the stage's own.
  var topic: String?
  var values: [String] { [stage, topic ?? "other"] }
}

struct PartitionLabels: MetricLabels {
  static let names = ["stage", "topic", "partition"]
  var stage: String
  var source: TopicPartition
  var values: [String] { [stage, source.topic, "\(source.partition)"] }
}

struct ReasonLabels: MetricLabels {
  static let names = ["stage", "reason"]
  var stage: String
  var reason: Reason.Code
  var values: [String] { [stage, reason.rawValue] }
}

struct StepLabels: MetricLabels {
  static let names = ["stage", "step"]
  var stage: String
  var step: CommitStep
  var values: [String] { [stage, step.rawValue] }
}

struct PhaseLabels: MetricLabels {
  static let names = ["stage", "phase"]
  var stage: String
  var phase: StagePhase
  var values: [String] { [stage, phase.rawValue] }
}

/// The phases of a stage, without what goes on in them.
enum StagePhase: String, CaseIterable {
  case starting, joining, restoring, running, waiting, stopped

  init(_ phase: StageStatus.Phase) {
    self =
      switch phase {
      case .starting: .starting
      case .joining: .joining
      case .restoring: .restoring
      case .running: .running
      case .waiting: .waiting
      case .stopped: .stopped
      }
  }
}

struct RebalanceLabels: MetricLabels {
  enum Change: String { case assigned, revoked, lost }

  static let names = ["stage", "change"]
  var stage: String
  var change: Change
  var values: [String] { [stage, change.rawValue] }
}

struct RoleLabels: MetricLabels {
  static let names = ["stage", "role"]
  var stage: String
  var role: EngineEvent.Role
  var values: [String] { [stage, role.rawValue] }
}

struct VerdictLabels: MetricLabels {
  enum Verdict: String { case valid, invalid }

  static let names = ["stage", "verdict"]
  var stage: String
  var verdict: Verdict
  var values: [String] { [stage, verdict.rawValue] }
}

struct ExpectationLabels: MetricLabels {
  static let names = ["stage", "expectation"]
  var stage: String
  /// The rule's name, as verdicts have it.
  var expectation: String
  var values: [String] { [stage, expectation] }
}

struct CoercionLabels: MetricLabels {
  static let names = ["stage", "coercion"]
  var stage: String
  var coercion: String
  var values: [String] { [stage, coercion] }
}

struct LetterLabels: MetricLabels {
  /// As the header `projectionist.reason` of dead letters says.
  enum Reason: String {
    case validationFailed = "validation_failed"
    case tooLarge = "too_large"
  }

  static let names = ["stage", "reason"]
  var stage: String
  var reason: Reason
  var values: [String] { [stage, reason.rawValue] }
}

struct RequestLabels: MetricLabels {
  static let names = ["outcome", "strategy"]
  var outcome: RequestSummary.Outcome
  var values: [String] {
    switch outcome {
    case .personal, .popular: ["answered", outcome.rawValue]
    case .refused, .late, .old, .forwarded: [outcome.rawValue, "none"]
    }
  }
}

struct ErrorLabels: MetricLabels {
  static let names = ["code"]
  /// A request error's code, of which the program has a closed set.
  var code: String
  var values: [String] { [code] }
}

struct RowLabels: MetricLabels {
  enum Outcome: String { case written, fenced, replaced }

  static let names = ["outcome"]
  var outcome: Outcome
  var values: [String] { [outcome.rawValue] }
}

struct ModelLabels: MetricLabels {
  enum Role: String { case serving, candidate, shadow }

  static let names = ["role", "version"]
  var role: Role
  var version: String
  var values: [String] { [role.rawValue, version] }
}

struct ListLabels: MetricLabels {
  enum List: String { case live, shadow }

  static let names = ["list"]
  var list: List
  var values: [String] { [list.rawValue] }
}

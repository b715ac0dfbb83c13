import EventLog
import Logging

/// A reply that goes elsewhere than its request asks, and why.
struct ReplyDetour: Hashable {
  enum Fault: Hashable {
    case unreadable
    case internalTopic
    case ownTopic
    case missing
    case denied
    case tooManyTopics
    case noSuchPartition(of: Int32)

    /// Why a topic that can't be looked up takes no replies; `nil` if that says nothing about it.
    init?(_ code: LogError.Code) {
      switch code {
      case .unknownTopic, .configuration: self = .missing
      case .denied: self = .denied
      default: return nil
      }
    }

    fileprivate var explanation: String {
      switch self {
      case .unreadable:
        "its bytes are not understood: a topic is its name in UTF-8, a partition four bytes in"
          + " network order or decimal text"
      case .internalTopic: "topics whose names begin with __ take no replies"
      case .ownTopic: "the topic is one of the pipeline's own"
      case .missing: "the topic does not exist: create it"
      case .denied: "this daemon has no right to the topic"
      case .tooManyTopics: "too many reply topics are in use"
      case .noSuchPartition(let count):
        "the topic's partitions are 0 to \(count - 1); the request's key chooses one"
      }
    }
  }

  /// What the request asks for, as a log line shows it.
  let asked: String
  let fault: Fault

  init(_ asked: String, _ fault: Fault) {
    self.asked = asked
    self.fault = fault
  }

  init(_ header: RecordHeader, _ fault: Fault) {
    self.init("\(header.name)=\(HeaderText.shown(header.value))", fault)
  }
}

/// Counts detours, and logs each kind once.
struct ReplyDetours {
  /// Requests can name anything: further names are counted only.
  private static let capacity = 1_000

  private let logger: Logger
  private var logged: Set<ReplyDetour> = []
  private(set) var count: Int64

  init(_ logger: Logger, countedBefore count: Int64) {
    self.logger = logger
    self.count = count
  }

  mutating func note(_ detour: ReplyDetour) {
    count += 1
    guard logged.count < Self.capacity, logged.insert(detour).inserted else { return }
    logger.warning(
      "replies go elsewhere than their requests ask",
      metadata: ["asked": "\(detour.asked)", "reason": "\(detour.fault.explanation)"])
    if logged.count == Self.capacity {
      logger.warning("further reply topics and partitions of this kind are counted only")
    }
  }
}

import EventLog
import Glibc
import Synchronization

/// The record times that topics accept, as far as they are known. A log's producers share it, and
/// learn from it when it changes.
public final class RecordTimes: Sendable {
  private let limits = Mutex<[String: TimestampLimits]>([:])
  private let changes = Atomic(0)

  public init() {}

  /// Rises with each change.
  var version: Int { changes.load(ordering: .acquiring) }

  /// What a topic accepts; nothing is known to be refused until somebody says so.
  public subscript(topic: String) -> TimestampLimits { limits.withLock { $0[topic] ?? .none } }

  /// Notes the limits of topics, as they are looked at now and then.
  ///
  /// A topic of which only now was left gets another chance, also one that is not among them: the
  /// clocks may be right again, and what it refuses costs one batch.
  public func note(_ found: [String: TimestampLimits]) {
    let hasChanged = limits.withLock { known in
      let before = known
      known = known.filter { $0.value != .now }
      known.merge(found) { $1 }
      return known != before
    }
    if hasChanged { changes.add(1, ordering: .releasing) }
  }

  /// What to do about records whose times topics have refused: their limits are asked for again,
  /// and where they explain nothing, records get the present time.
  ///
  /// - Parameter ask: for topics' properties.
  /// - Returns: `nil` if the same records can be sent again.
  func learn(
    _ refused: Set<String>,
    ask: ([String]) throws(LogError) -> [String: KafkaAdmin.TopicProperties]
  ) -> LogError? {
    var found: [String: TimestampLimits] = [:]
    // Without the right to ask, only the present time is known to be good.
    if let properties = try? ask(refused.sorted()) {
      found = properties.mapValues { TimestampLimits($0.values) }
    }
    let hopeless = limits.withLock { known in
      refused.filter { topic in
        let (before, after) = (known[topic] ?? .none, found[topic] ?? .none)
        let explainsNothing = before == .now || after == before || after.isNone
        known[topic] = explainsNothing ? .now : after
        return before == .now
      }
    }
    changes.add(1, ordering: .releasing)
    guard let topic = hopeless.sorted().first else { return nil }
    return LogError(
      .other,
      "\(topic) refuses even records of the present time: set the clocks of the brokers and of this"
        + " machine, or widen message.timestamp.before.max.ms and .after.max.ms of \(topic)",
      reaction: .abandonPartition)
  }
}

/// The wall clock in milliseconds since 1970.
func wallClockMilliseconds() -> Int64 {
  var time = timespec()
  unsafe clock_gettime(CLOCK_REALTIME, &time)
  return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}

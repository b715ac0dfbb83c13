import EventLog
import Ratings
import Streams

/// What is known of the partitions as of the last commit, and what the open batch makes of it.
///
/// A batch that is aborted is read again: whatever follows from verdicts counts once it is
/// committed.
struct IntakeNotes {
  private struct Closed {
    var source: TopicPartition
    var changes: [PolicySchedule.Change]
    var window: RefusalWindow
  }

  private var windows: [Int32: RefusalWindow] = [:]
  private var alarms: [Int32: RefusalAlarm] = [:]
  /// Of the batch that is being committed.
  private var closed: [Closed] = []
  private(set) var tally = VerdictTally()

  func window(of partition: Int32) -> RefusalWindow { windows[partition] ?? RefusalWindow() }

  mutating func count(_ failed: ExpectationSet, _ coerced: CoercionSet) {
    tally.count(failed: failed, coerced: coerced)
  }

  mutating func countOversized() { tally.countOversized() }

  /// Forgets what was noted of a batch that was not committed.
  mutating func begin() {
    closed.removeAll(keepingCapacity: true)
    tally.removeAll()
  }

  mutating func close(_ state: inout IntakePartition, _ source: TopicPartition) {
    closed.append(Closed(source: source, changes: state.changes, window: state.window))
    state.changes.removeAll()
  }

  mutating func forgetAll(but partitions: Set<Int32>) {
    windows = windows.filter { partitions.contains($0.key) }
    alarms = alarms.filter { partitions.contains($0.key) }
  }

  /// The batch is committed.
  ///
  /// - Parameter apply: gets the changes of each partition's schedule.
  mutating func commit(_ apply: (Int32, [PolicySchedule.Change]) -> Void) -> BatchReport {
    var report = BatchReport(judged: tally.counts)
    for batch in closed {
      let partition = batch.source.partition
      windows[partition] = batch.window
      if !batch.changes.isEmpty { apply(partition, batch.changes) }
      for case .set(let policy, let offset) in batch.changes {
        report.events.append(.policyChanged(batch.source, from: offset, policy.summary))
      }
      switch alarms[partition, default: RefusalAlarm()].look(at: batch.window) {
      case .refused: report.events.append(Self.refused(batch.source, batch.window))
      case .accepted: report.events.append(.eventsAccepted(batch.source))
      case nil: break
      }
    }
    begin()
    return report
  }

  private static func refused(_ source: TopicPartition, _ window: RefusalWindow)
    -> EngineEvent.Kind
  {
    let (rule, events, example) = window.mostFrequent ?? (.valueIsObject, 0, 0)
    return .eventsRefused(
      source, example: example,
      Reason(
        .eventsRefused,
        "\(window.refusals) of the last \(window.count) events of \(source) are invalid,"
          + " \(events) of them by \(rule.name), such as the one at offset \(example): the dead"
          + " letters say what is wrong with each"))
  }
}

extension IntakePolicy {
  var summary: PolicySummary {
    PolicySummary(rules: rules.rawValue, accept: accepts.names, timeZone: timeZone)
  }
}

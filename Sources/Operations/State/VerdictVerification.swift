import Console
import EventLog
import KafkaLog
import Pipeline
import Ratings
import Streams

/// Counts valid verdicts against the events of `validated-ratings`, from which all state follows.
struct VerdictVerification {
  let log: KafkaLog
  /// How many events to show.
  let shown: Int

  /// - Parameters:
  ///   - verdicts: which offsets `validation-results` had at the beginning.
  ///   - events: which `validated-ratings` had after that.
  ///   - topic: of the events' sources.
  func run(
    verdicts held: [TopicPartition: Range<Int64>], events bounds: [TopicPartition: Range<Int64>],
    topic: String
  ) throws -> VerdictReport {
    let verdicts = try read(.validVerdicts, to: held.mapValues(\.upperBound), "verdicts")
    let events = try read(.events, to: bounds.mapValues(\.upperBound), "events")
    let missing = verdicts.missing(from: events, shown: shown)
    return VerdictReport(
      validVerdicts: verdicts.count, deletedVerdicts: held.values.reduce(0) { $0 + $1.lowerBound },
      events: events.count, missingEvents: missing.count,
      firstMissing: missing.first.map { "\(topic)[\($0.partition)] at offset \($0.offset)" })
  }

  private func read(
    _ topic: EventReader<KafkaLog>.Topic, to ends: [TopicPartition: Int64], _ label: String
  ) throws -> EventSet {
    let total = Int(ends.values.reduce(0, +))
    var progress = ProgressBar(label, unit: "offsets", goal: .count(max(1, total)))
    let reader = EventReader(log, clientID: "projectionist-verify-\(label)")
    let events = try reader.read(topic, to: ends) { progress.update(Int($0)) }
    progress.close(total)
    return events
  }
}

/// What `state verify` has found of the verdicts.
package struct VerdictReport: Encodable {
  /// Events with a valid verdict, as far as `validation-results` still holds them.
  var validVerdicts: Int
  /// Offsets of verdicts that the topic's retention has deleted: nothing is known of them.
  var deletedVerdicts: Int64 = 0
  /// Events of `validated-ratings`.
  var events: Int
  /// Events with a valid verdict that `validated-ratings` does not have.
  var missingEvents: Int
  var firstMissing: [String]
  /// What to do about those that are missing.
  var remedy: String?

  package var agrees: Bool { missingEvents == 0 }

  private var extent: String {
    guard deletedVerdicts > 0 else { return "" }
    return "; \(deletedVerdicts) offsets of earlier verdicts were deleted, and are not compared"
  }

  package var text: String {
    guard missingEvents > 0 else {
      return "verdicts: validated-ratings has all \(validVerdicts) events with a valid verdict"
        + extent
    }
    let lines = [
      "verdicts: \(missingEvents) of \(validVerdicts) events with a valid verdict are not in"
        + " validated-ratings, which has \(events)" + extent
    ]
    let remedies = remedy.map { ["  → \($0)"] } ?? []
    return (lines + firstMissing.map { "  \($0)" } + remedies).joined(separator: "\n")
  }
}

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

  /// The present ends of a topic.
  static func ends(of topic: String, _ log: KafkaLog) throws -> [TopicPartition: Int64] {
    let asking = try log.makeConsumer(
      ConsumerConfiguration(topics: [topic], group: nil, clientID: "projectionist-verify"))
    defer { asking.close() }
    var ends: [TopicPartition: Int64] = [:]
    for number in 0..<(try asking.partitionCount(of: topic)) {
      let partition = TopicPartition(topic, number)
      ends[partition] = try asking.offsets(of: partition).upperBound
    }
    return ends
  }

  /// - Parameters:
  ///   - eventEnds: of `validated-ratings`, noted after those of the verdicts.
  ///   - topic: of the events' sources.
  func run(
    verdictEnds: [TopicPartition: Int64], eventEnds: [TopicPartition: Int64], topic: String
  ) throws -> VerdictReport {
    let verdicts = try read(.validVerdicts, to: verdictEnds, "verdicts")
    let events = try read(.events, to: eventEnds, "events")
    let missing = verdicts.missing(from: events, shown: shown)
    return VerdictReport(
      validVerdicts: verdicts.count, events: events.count, missingEvents: missing.count,
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
  /// Events of `validated-ratings`.
  var events: Int
  /// Events with a valid verdict that `validated-ratings` does not have.
  var missingEvents: Int
  var firstMissing: [String]
  /// What to do about those that are missing.
  var remedy: String?

  package var agrees: Bool { missingEvents == 0 }

  package var text: String {
    guard missingEvents > 0 else {
      return "verdicts: validated-ratings has all \(validVerdicts) events with a valid verdict"
    }
    let lines = [
      "verdicts: \(missingEvents) of \(validVerdicts) events with a valid verdict are not in"
        + " validated-ratings, which has \(events)"
    ]
    let remedies = remedy.map { ["  → \($0)"] } ?? []
    return (lines + firstMissing.map { "  \($0)" } + remedies).joined(separator: "\n")
  }
}

import Streams

// A committed batch.

extension JSONFields {
  /// Absent where there is nothing to tell.
  func judged() throws(EventStreamError) -> VerdictCounts {
    guard has("invalid") else { return VerdictCounts() }
    return VerdictCounts(
      valid: try integer("valid"), invalid: try integer("invalid"),
      oversized: try integer("oversized"), failed: try integers("failed"),
      coerced: try integers("coerced"))
  }

  func batch() throws(EventStreamError) -> BatchSummary {
    var steps: [BatchSummary.StepTime] = []
    for step in try objects("steps") {
      steps.append(
        BatchSummary.StepTime(try step.value("step"), try step.duration("duration_ms")))
    }
    var batch = BatchSummary(
      records: try integer("records"), bytes: try integer("bytes"),
      redeliveries: try integer("redeliveries"), judged: try judged(),
      open: try duration("open_ms"), steps: steps, positions: try positions())
    batch.inputs = try tallies("inputs")
    batch.outputs = try tallies("outputs")
    batch.ages = try ages("ages")
    batch.completed = try ages("completed_ages")
    if has("requests") { batch.requests = try object("requests").requests() }
    if has("projected") { batch.projected = try object("projected").projected() }
    return batch
  }

  private func tallies(_ name: String) throws(EventStreamError) -> [TopicTally] {
    guard has(name) else { return [] }
    var tallies: [TopicTally] = []
    for each in try objects(name) {
      tallies.append(
        TopicTally(
          topic: try each.optionalText("topic"), records: try each.integer("records"),
          bytes: try each.integer("bytes")))
    }
    return tallies
  }

  private func ages(_ name: String) throws(EventStreamError) -> AgeHistogram {
    guard has(name) else { return AgeHistogram() }
    let fields = try object(name)
    let counts: [Int64] = try fields.numbers("counts")
    guard let ages = AgeHistogram(counts: counts, sum: try fields.integer("sum_ms")) else {
      throw .malformed("\(name) has \(counts.count) buckets")
    }
    return ages
  }

  private func requests() throws(EventStreamError) -> RequestSummary {
    var summary = RequestSummary()
    for (name, count) in try integers("outcomes") {
      guard let outcome = RequestSummary.Outcome(rawValue: name) else {
        throw .malformed("\(name) is no outcome of requests")
      }
      summary.outcomes[outcome] = count
    }
    summary.refused = try integers("refused")
    for (name, count) in try integers("overlaps") {
      guard let shared = Int(name) else { throw .malformed("\(name) is no overlap") }
      summary.overlaps[shared] = count
    }
    return summary
  }

  private func projected() throws(EventStreamError) -> ProjectionSummary {
    ProjectionSummary(
      written: try integer("written"), fenced: try integer("fenced"),
      replaced: try integer("replaced"), duration: try duration("duration_ms"))
  }
}

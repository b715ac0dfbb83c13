import Codecs
import Streams

// A committed batch.

extension EventWriter {
  mutating func write(_ batch: BatchSummary) {
    field("records", batch.records)
    field("bytes", batch.bytes)
    if !batch.inputs.isEmpty { field("inputs", batch.inputs) }
    if !batch.outputs.isEmpty { field("outputs", batch.outputs) }
    field("redeliveries", batch.redeliveries)
    if !batch.judged.isEmpty { write(batch.judged) }
    if let requests = batch.requests { write(requests) }
    if let projected = batch.projected { write(projected) }
    if !batch.ages.isEmpty { field("ages", batch.ages) }
    if !batch.completed.isEmpty { field("completed_ages", batch.completed) }
    field("open_ms", batch.open)
    field("commit_ms", batch.commit)
    json.key("steps")
    json.beginArray()
    for time in batch.steps {
      json.beginObject()
      field("step", time.step.rawValue)
      field("duration_ms", time.duration)
      json.endObject()
    }
    json.endArray()
    write(batch.positions)
  }

  private mutating func write(_ requests: RequestSummary) {
    json.key("requests")
    json.beginObject()
    field(
      "outcomes",
      Dictionary(uniqueKeysWithValues: requests.outcomes.map { ($0.key.rawValue, $0.value) }))
    field("refused", requests.refused)
    field(
      "overlaps",
      Dictionary(uniqueKeysWithValues: requests.overlaps.map { ("\($0.key)", $0.value) }))
    json.endObject()
  }

  private mutating func write(_ projected: ProjectionSummary) {
    json.key("projected")
    json.beginObject()
    field("written", projected.written)
    field("fenced", projected.fenced)
    field("replaced", projected.replaced)
    field("duration_ms", projected.duration)
    json.endObject()
  }

  private mutating func field(_ name: StaticString, _ tallies: [TopicTally]) {
    json.key(name)
    json.beginArray()
    for tally in tallies {
      json.beginObject()
      if let topic = tally.topic { field("topic", topic) }
      field("records", tally.records)
      field("bytes", tally.bytes)
      json.endObject()
    }
    json.endArray()
  }

  private mutating func field(_ name: StaticString, _ ages: AgeHistogram) {
    json.key(name)
    json.beginObject()
    json.key("counts")
    json.beginArray()
    for count in ages.counts { json.integer(count) }
    json.endArray()
    field("sum_ms", ages.sum)
    json.endObject()
  }
}

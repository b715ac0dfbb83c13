import EventLog
import Logging
import Streams
import Synchronization

/// Records every step of a run, for people.
final class TraceLog: Sendable {
  private let lines = Mutex<[String]>([])

  var all: [String] { lines.withLock { $0 } }

  func note(_ what: String, at time: Duration, by who: String) {
    let milliseconds = Int64(time / .milliseconds(1))
    let fraction = String(milliseconds % 1000)
    let stamp =
      "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    let indent = String(repeating: " ", count: max(0, 9 - stamp.count))
    let padding = String(repeating: " ", count: max(1, 12 - who.count))
    lines.withLock { $0.append("\(indent)\(stamp) s  \(who)\(padding)\(what)") }
  }

  static func text(_ moment: SimulatedProcess.Moment, _ outcome: SimulatedProcess.Outcome)
    -> String
  {
    let name = "\(moment.effect)"
    return switch outcome {
    case .done: name
    case .failed(let error): "\(name) failed: \(error)"
    case .doneButFailed(let error): "\(name) took place, but seems to have failed: \(error)"
    case .died: "\(name): the process is killed before it"
    case .doneAndDied: "\(name): the process is killed after it"
    }
  }

  static func text(_ fact: LogFact) -> String {
    switch fact {
    case .record(let record): "record \(text(record))"
    case .offsets(let offsets): "offsets \(text(offsets))"
    case .transaction(let id, let records, let offsets):
      "transaction of \(id): \(records.map(text).joined(separator: " "))"
        + (offsets.map { ", offsets \(text($0))" } ?? "")
    }
  }

  private static func text(_ placed: PlacedRecord) -> String {
    "\(placed.place)@\(placed.record.offset)"
  }

  private static func text(_ offsets: CommittedOffsets) -> String {
    let all = offsets.offsets.sorted { TopicPartition.inOrder($0.key, $1.key) }
      .map { "\($0.key):\($0.value)" }
    return "of \(offsets.group) by \(offsets.owner ?? "nobody") \(all.joined(separator: " "))"
  }
}

/// Forwards the stages' own log to a trace.
struct TraceHandler: LogHandler {
  let trace: TraceLog
  let scheduler: Scheduler
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.info

  init(_ trace: TraceLog, _ scheduler: Scheduler) {
    self.trace = trace
    self.scheduler = scheduler
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let details = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    trace.note(
      (["\(event.level): \(event.message)"] + details).joined(separator: " "), at: scheduler.now,
      by: scheduler.current)
  }
}

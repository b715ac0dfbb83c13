import Codecs
import EventLog
import Pipeline
import Ratings
import Simulation
import Streams

/// Checks that an event gets the verdict of its first time, however often it is read and whatever
/// the settings are by then.
///
/// Under at-least-once, events behind the newest recorded position may be judged once more after a
/// crash, by other settings; the newer verdict then stands.
struct JudgementCheck: ~Copyable {
  private let guarantee: ProcessingGuarantee
  /// The newest verdict on each event.
  private(set) var newest: [SourceCoordinates: [UInt8]] = [:]
  /// Different ones on the same event.
  private var all: [SourceCoordinates: Set<[UInt8]>] = [:]
  /// Events that have ever been found valid, and invalid.
  private(set) var accepted: Set<SourceCoordinates> = []
  private(set) var refused: Set<SourceCoordinates> = []
  /// Events whose newest verdict is invalid.
  private(set) var refusedLast: Set<SourceCoordinates> = []
  /// By partition of the input: before it the stage has recorded that it was.
  private var settled: [Int32: Int64] = [:]
  /// Events judged behind a recorded position: a replay has settled them. A first verdict may be
  /// one that a crash has left behind, whose event was then skipped.
  private var replayed: Set<SourceCoordinates> = []
  private var parser = FlatJSONParser(fields: ["valid", "partition", "offset"])

  init(_ guarantee: ProcessingGuarantee) { self.guarantee = guarantee }

  func distinct(of source: SourceCoordinates) -> Int { all[source]?.count ?? 0 }

  /// Takes a position that the intake stage has recorded.
  mutating func takePosition(_ record: MemoryRecord) throws(Violation) {
    guard let key = record.key, let value = record.value,
      let partition = Int32(String(decoding: key, as: UTF8.self)),
      let position = RecordedPosition(decoding: value.span.bytes)
    else { throw Violation("a recorded position can't be read") }
    settled[partition] = max(settled[partition] ?? 0, position.furthestOffset)
  }

  /// Takes intake's verdict on an event.
  ///
  /// - Returns: where the event lies.
  mutating func take(_ verdict: [UInt8]) throws -> SourceCoordinates {
    try parser.parse(verdict.span.bytes)
    guard let partition = parser.integer(1), let offset = parser.integer(2) else {
      throw Violation("a verdict names no event")
    }
    let source = SourceCoordinates(partition: Int32(partition), offset: offset)
    if guarantee == .exactlyOnce || replayed.contains(source), let before = newest[source],
      before != verdict
    {
      throw Violation("\(source) was judged otherwise when it was read again")
    }
    if offset < settled[source.partition] ?? 0 { replayed.insert(source) }
    newest[source] = verdict
    all[source, default: []].insert(verdict)
    if parser.boolean(0) == true {
      accepted.insert(source)
      refusedLast.remove(source)
    } else {
      refused.insert(source)
      refusedLast.insert(source)
    }
    return source
  }
}

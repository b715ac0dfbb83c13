import Codecs
import EventLog
import Pipeline
import Ratings
import Simulation
import Streams

/// Checks that an event gets the verdict of its first time, however often it is read and whatever
/// the settings are by then.
///
/// Under at-least-once, a crash may leave verdicts behind that no recorded position covers. Their
/// events may be judged once more, by other settings; the newer verdict then stands.
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
  /// By partition of the input: verdicts that no recorded position covers yet.
  private var pending: [Int32: Set<Int64>] = [:]
  /// Events whose newest verdict a recorded position covers.
  private var settled: Set<SourceCoordinates> = []
  /// What was written last of the policies, by their places.
  private var policies: [PolicyPlace: [UInt8]] = [:]
  /// By partition, the first offset of a policy that another one was written over.
  private var contested: [Int32: Int64] = [:]
  private var parser = FlatJSONParser(fields: ["valid", "partition", "offset"])

  init(_ guarantee: ProcessingGuarantee) { self.guarantee = guarantee }

  func distinct(of source: SourceCoordinates) -> Int { all[source]?.count ?? 0 }

  /// Takes a position that the intake stage has recorded.
  mutating func take(_ position: RecordedPosition, of partition: Int32) {
    for offset in pending.removeValue(forKey: partition) ?? []
    where offset < position.furthestOffset && offset < contested[partition] ?? .max {
      settled.insert(SourceCoordinates(partition: partition, offset: offset))
    }
  }

  /// The input's offsets are moved and accepted there. Verdicts that a crash has left behind bind
  /// nobody then: their events may be skipped, and be read again much later.
  mutating func noteAcceptedMove(of partitions: some Sequence<Int32>) {
    for partition in partitions { pending[partition] = nil }
  }

  /// Takes a record of the control topic. Under at-least-once, nothing keeps a member that has lost
  /// its partition from writing over the policy of the next owner, who does not look again: what
  /// that one judges may be judged otherwise when it is read again.
  mutating func take(_ value: [UInt8], of policy: PolicyPlace) {
    let isKept = policies.updateValue(value, forKey: policy).map { $0 == value } ?? true
    guard guarantee == .atLeastOnce, !isKept else { return }
    let first = min(policy.offset, contested[policy.partition] ?? .max)
    contested[policy.partition] = first
    settled = settled.filter { $0.partition != policy.partition || $0.offset < first }
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
    if guarantee == .exactlyOnce || settled.contains(source), let before = newest[source],
      before != verdict
    {
      throw Violation("\(source) was judged otherwise when it was read again")
    }
    pending[source.partition, default: []].insert(offset)
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

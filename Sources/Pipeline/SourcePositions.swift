import EventLog
import Codecs
import Ratings
public import StateStore
import Streams

/// The newest event of each source partition that is in a store's state, kept in the store.
///
/// An upstream stage that crashes (at least once), or whose group loses its offsets, sends events
/// again that are already folded in. Each source partition's events arrive in order, so one offset
/// per source partition identifies repeats (`RepeatFilter`). `SourceTopic` tells a repeat from an
/// event of a topic that was deleted and created again, whose offsets start over at 0.
struct SourcePositions {
  private let topic: SourceTopic?
  private var positions: StateTable<SourceKey, SourcePosition?>
  /// By source partition, the newest offset of a run of repeats that was checked with the source.
  private var repeats: [Int32: Int64] = [:]

  /// Loads the positions of a store.
  ///
  /// - Parameter topic: `nil` where positions are no offsets of a topic, so that it can't be asked.
  init<Store, Producer>(
    _ task: PartitionTask<Store, Producer>, table: Table, of topic: SourceTopic?
  ) throws(StageError) {
    self.topic = topic
    positions = try StateTable(resident: table, of: task)
  }

  /// Notes an event.
  ///
  /// - Parameter timestamp: of its record; stages pass on the source record's.
  /// - Returns: false for an event that is already in the state.
  /// - Throws: `topic_recreated` for one that only seems to be.
  mutating func advance(to source: SourceCoordinates, timestamp: Int64) throws(StageError) -> Bool {
    let row = try positions.row(of: SourceKey(partition: source.partition))
    if let newest = positions[row], RepeatFilter.isRepeat(source.offset, after: newest.offset) {
      // Repeats with rising offsets belong to the run that was checked.
      if repeats[source.partition].map({ source.offset <= $0 }) ?? true {
        try topic?.check(source.partition, holds: newest)
      }
      repeats[source.partition] = source.offset
      return false
    }
    if !repeats.isEmpty { repeats[source.partition] = nil }
    positions[row] = SourcePosition(offset: source.offset, timestamp: timestamp)
    return true
  }

  mutating func writeChanges() throws(StageError) { try positions.writeChanges() }
}

/// An event of a source partition as a store has it: the offset, and the record's timestamp in
/// milliseconds since 1970, each 8 bytes big-endian. The timestamp identifies the record: another
/// record at that offset would have another one.
public struct SourcePosition: StoredValue, Hashable, Sendable {
  /// Bytes that are not a source position of this version.
  public struct UnknownFormat: Error, CustomStringConvertible {
    public let byteCount: Int

    public var description: String {
      "a source position has \(byteCount) bytes instead of 16: it was written by another version of"
        + " this program"
    }
  }

  /// A rebuild would bring the same bytes back from the changelog.
  public static var remedyIfUnreadable: StoreError.Remedy { .stop }

  public var offset: Int64
  public var timestamp: Int64

  public init(offset: Int64, timestamp: Int64) {
    self.offset = offset
    self.timestamp = timestamp
  }

  public init(decoding bytes: RawSpan) throws(UnknownFormat) {
    guard bytes.byteCount == 16 else { throw UnknownFormat(byteCount: bytes.byteCount) }
    offset = Int64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: Int64.self))
    timestamp = Int64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 8, as: Int64.self))
  }

  public func encode(into bytes: inout [UInt8]) {
    let encoded = encoded
    encoded.span.withUnsafeBytes { bytes.append(contentsOf: $0) }
  }

  public var encoded: InlineArray<16, UInt8> {
    let numbers = (offset, timestamp)
    return InlineArray {
      UInt8(truncatingIfNeeded: ($0 < 8 ? numbers.0 : numbers.1) >> Int64(56 - 8 * ($0 % 8)))
    }
  }
}

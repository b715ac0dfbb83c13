import EventLog
import StateStore
import Streams

/// The newest event of each source partition that is in a store's state, kept in the store.
///
/// A stage upstream that repeats its outputs after a crash (at least once) or after its group has
/// lost its offsets sends events again that are already folded in. Each source partition's events
/// arrive in its order, so one offset a source partition tells them apart; `SourceTopic` tells a
/// repeat from an event of a topic that was made anew, whose offsets begin at 0 again.
struct SourcePositions {
  private let table: Table
  private let topic: SourceTopic
  private var positions: [Int32: SourcePosition] = [:]
  private var changed: Set<Int32> = []
  /// By source partition: the newest offset of a run of repeats whose source was looked at.
  private var repeats: [Int32: Int64] = [:]

  /// Loads the positions of a store.
  init<Store, Producer>(
    _ task: PartitionTask<Store, Producer>, table: Table, of topic: SourceTopic
  ) throws(StageError) {
    self.table = table
    self.topic = topic
    var loaded: [Int32: SourcePosition] = [:]
    var isReadable = true
    let all: [UInt8] = []
    try task.scan(table, prefix: all.span.bytes) { key, value in
      guard let partition = StoreKey.decode(key).flatMap({ Int32(exactly: $0) }),
        let position = SourcePosition(decoding: value)
      else {
        isReadable = false
        return false
      }
      loaded[partition] = position
      return true
    }
    guard isReadable else {
      throw .failed(
        Reason(
          .unknownFormat,
          "the state of \(task.source) holds a source position of an unknown format: it was written"
            + " by another version of this program"), .stopDaemon)
    }
    positions = loaded
  }

  /// Notes an event.
  ///
  /// - Parameter timestamp: of the record that brought it; stages hand that of the source's on.
  /// - Returns: false for one that is in the state already.
  /// - Throws: `topic_recreated` for one that only seems to be.
  mutating func advance(partition: Int32, offset: Int64, timestamp: Int64) throws(StageError)
    -> Bool
  {
    if let newest = positions[partition], offset <= newest.offset {
      // Repeats that go on rising are of the same reading of the source.
      if repeats[partition].map({ offset <= $0 }) ?? true {
        try topic.check(partition, holds: newest)
      }
      repeats[partition] = offset
      return false
    }
    if !repeats.isEmpty { repeats[partition] = nil }
    positions[partition] = SourcePosition(offset: offset, timestamp: timestamp)
    changed.insert(partition)
    return true
  }

  /// Puts what the batch has changed.
  mutating func put<Store, Producer>(_ task: PartitionTask<Store, Producer>) throws(StageError) {
    for partition in changed.sorted() {
      guard let position = positions[partition] else { continue }
      let key = StoreKey(Int64(partition))
      try task.put(table, key.span, position.encoded.span.bytes)
    }
    changed.removeAll(keepingCapacity: true)
  }
}

/// An event of a source partition as a store has it: the offset, and the record's timestamp in
/// milliseconds since 1970, each 8 bytes big-endian. The timestamp is the record's mark: another
/// record at that offset would have another one.
public struct SourcePosition: Hashable, Sendable {
  public var offset: Int64
  public var timestamp: Int64

  public init(offset: Int64, timestamp: Int64) {
    self.offset = offset
    self.timestamp = timestamp
  }

  /// - Returns: `nil` for bytes that are not 16.
  public init?(decoding bytes: RawSpan) {
    guard bytes.byteCount == 16 else { return nil }
    offset = Int64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: Int64.self))
    timestamp = Int64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 8, as: Int64.self))
  }

  public var encoded: InlineArray<16, UInt8> {
    let numbers = (offset, timestamp)
    return InlineArray {
      UInt8(truncatingIfNeeded: ($0 < 8 ? numbers.0 : numbers.1) >> Int64(56 - 8 * ($0 % 8)))
    }
  }
}

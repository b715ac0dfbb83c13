public import EventLog

/// Tells a record from any other that could lie at its offset, such as in a topic that was deleted
/// and created again, whose offsets start over at 0.
public struct RecordIdentity: Hashable, Sendable {
  public var offset: Int64
  /// Milliseconds since 1970; -1 where the log has none.
  public var timestamp: Int64
  /// Of key and value.
  public var hash: UInt64

  public init(offset: Int64, timestamp: Int64, hash: UInt64) {
    self.offset = offset
    self.timestamp = timestamp
    self.hash = hash
  }

  public init(_ record: borrowing RecordView) {
    self.init(
      offset: record.offset, timestamp: record.timestamp,
      hash: Self.hash(key: record.key, value: record.value))
  }

  /// Of a run's last record.
  init(lastOf run: borrowing RecordRun) { self.init(run[run.count - 1]) }

  /// The hash of a record. Its value is part of stored formats: each part's length (all ones for
  /// null), then its bytes in little-endian words of eight, the last one filled up with zeros; each
  /// word is mixed in by a multiplication with 2⁶⁴/φ and a shift.
  static func hash(key: RawSpan?, value: RawSpan?) -> UInt64 {
    var hash: UInt64 = 0
    mix(key, into: &hash)
    mix(value, into: &hash)
    return hash
  }

  private static func mix(_ part: RawSpan?, into hash: inout UInt64) {
    guard let part else { return mix(word: .max, into: &hash) }
    mix(word: UInt64(part.byteCount), into: &hash)
    part.withUnsafeBytes { bytes in
      var index = 0
      while index + 8 <= bytes.count {
        let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        mix(word: UInt64(littleEndian: word), into: &hash)
        index += 8
      }
      guard index < bytes.count else { return }
      var word: UInt64 = 0
      for offset in index..<bytes.count { word |= UInt64(bytes[offset]) << (8 * (offset - index)) }
      mix(word: word, into: &hash)
    }
  }

  private static func mix(word: UInt64, into hash: inout UInt64) {
    hash = (hash ^ word) &* 0x9e37_79b9_7f4a_7c15
    hash ^= hash >> 32
  }
}

extension RecordIdentity {
  /// Whether the record that was found at this one's offset is this one. Where either has no
  /// timestamp, only key and value are compared.
  func isSame(as found: RecordIdentity) -> Bool {
    let times = timestamp < 0 || found.timestamp < 0 || timestamp == found.timestamp
    return times && hash == found.hash
  }
}

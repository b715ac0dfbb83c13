import EventLog
public import StateStore

/// The input position that a partition's state corresponds to: the last record of each batch in a
/// changelog, and an entry of the store's meta table.
///
/// Format: one byte version (2), then the next input offset, and of the newest input record in the
/// state its offset, its timestamp and its hash, each 8 bytes big-endian. Version 1 has the next
/// input offset only: it stands where no record is known.
package struct Position: Hashable, Sendable {
  /// The key in words.
  static let keyText = "position"
  package static let key: [UInt8] = Array(keyText.utf8)

  /// Offset of the first input record that is not in the state.
  package var inputOffset: Int64
  /// The newest input record that is; `nil` where it is not known.
  package var last: RecordIdentity?

  package init(inputOffset: Int64, last: RecordIdentity? = nil) {
    self.inputOffset = inputOffset
    self.last = last
  }

  /// - Throws: `.stopDaemon` for a version this code doesn't know.
  package init(decoding bytes: RawSpan) throws(StageError) {
    let version = bytes.byteCount > 0 ? bytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self) : 0
    guard (version == 1 && bytes.byteCount == 9) || (version == 2 && bytes.byteCount == 33) else {
      throw .failed(
        Reason(
          .unknownFormat,
          "the position record has an unknown format (\(bytes.byteCount) bytes): it was written by"
            + " another version of this program"), .stopDaemon)
    }
    func number(_ index: Int) -> Int64 {
      Int64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 1 + 8 * index, as: Int64.self))
    }
    inputOffset = number(0)
    guard version == 2 else { return }
    last = RecordIdentity(
      offset: number(1), timestamp: number(2), hash: UInt64(bitPattern: number(3)))
  }

  package var encoded: [UInt8] {
    var bytes: [UInt8] = [last == nil ? 1 : 2]
    bytes.reserveCapacity(33)
    func append(_ number: Int64) {
      withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
    }
    append(inputOffset)
    if let last {
      append(last.offset)
      append(last.timestamp)
      append(Int64(bitPattern: last.hash))
    }
    return bytes
  }
}

extension StateSnapshot {
  /// The input offset this view corresponds to: all records below it are in the state, none above.
  /// `nil` for a store that was never written.
  public func inputOffset() throws(StageError) -> Int64? { try position()?.inputOffset }

  /// What this view corresponds to; `nil` for a store that was never written.
  package func position() throws(StageError) -> Position? {
    let key = Position.key
    let encoded: [UInt8]?
    do throws(StoreError) {
      encoded = try get(.meta, key.span.bytes) { value in
        if let value { Array(copying: value) } else { nil }
      }
    } catch { throw .store(error) }
    guard let encoded else { return nil }
    return try Position(decoding: encoded.span.bytes)
  }
}

/// The engine's entry in a store's meta table, for tools that inspect stores.
public enum InputPosition {
  /// - Returns: the input offset in a stored position; `nil` for one of an unknown format.
  public static func offset(in value: RawSpan) -> Int64? {
    do throws(StageError) { return try Position(decoding: value).inputOffset } catch { return nil }
  }
}

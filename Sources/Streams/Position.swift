import EventLog
public import StateStore

/// The input position that a partition's state corresponds to: the last record of each batch in a
/// changelog, and an entry of the store's meta table.
///
/// Format: one byte version (1), then the next input offset, 8 bytes big-endian.
package struct Position: Hashable, Sendable {
  /// The key in words.
  static let keyText = "position"
  package static let key: [UInt8] = Array(keyText.utf8)

  /// Offset of the first input record that is not in the state.
  package var inputOffset: Int64

  package init(inputOffset: Int64) {
    self.inputOffset = inputOffset
  }

  /// - Throws: `.stopDaemon` for a version this code doesn't know.
  package init(decoding bytes: RawSpan) throws(StageError) {
    guard bytes.byteCount == 9, bytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self) == 1 else {
      throw .failed(
        Reason(
          .unknownFormat,
          "the position record has an unknown format (\(bytes.byteCount) bytes): it was written by"
            + " another version of this program"), .stopDaemon)
    }
    inputOffset = Int64(
      bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 1, as: Int64.self))
  }

  package var encoded: [UInt8] {
    var bytes: [UInt8] = [1]
    withUnsafeBytes(of: inputOffset.bigEndian) { bytes.append(contentsOf: $0) }
    return bytes
  }
}

extension StateSnapshot {
  /// The input offset this view corresponds to: all records below it are in the state, none above.
  /// `nil` for a store that was never written.
  public func inputOffset() throws(StageError) -> Int64? {
    let key = Position.key
    let encoded: [UInt8]?
    do throws(StoreError) {
      encoded = try get(.meta, key.span.bytes) { value in
        if let value { Array(copying: value) } else { nil }
      }
    } catch { throw .store(error) }
    guard let encoded else { return nil }
    return try Position(decoding: encoded.span.bytes).inputOffset
  }
}

/// The engine's entry in a store's meta table, for tools that inspect stores.
public enum InputPosition {
  /// - Returns: the input offset in a stored position; `nil` for one of an unknown format.
  public static func offset(in value: RawSpan) -> Int64? {
    do throws(StageError) { return try Position(decoding: value).inputOffset } catch { return nil }
  }
}

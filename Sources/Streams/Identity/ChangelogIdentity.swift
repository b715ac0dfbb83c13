import EventLog
import StateStore

/// What tells a changelog partition from one that has its name and was made later: sixteen random
/// bytes in a record of its own key, which its first owner writes at its beginning and compaction
/// keeps.
///
/// Format of the record: key `00` and `identity`, value one byte version (1), then the bytes.
public struct ChangelogIdentity: Hashable, Sendable {
  static let key: [UInt8] = Array("identity".utf8)
  private static let version: UInt8 = 1
  private static let count = 16

  let bytes: [UInt8]

  init(random numbers: (UInt64, UInt64)) {
    bytes =
      withUnsafeBytes(of: numbers.0.bigEndian) { Array($0) }
      + withUnsafeBytes(of: numbers.1.bigEndian) { Array($0) }
  }

  /// - Returns: `nil` for a value that is no identity of this version.
  init?(decoding value: RawSpan) {
    guard value.byteCount == Self.count + 1,
      value.unsafeLoad(fromByteOffset: 0, as: UInt8.self) == Self.version
    else { return nil }
    bytes = Array(copying: value.extracting(1..<value.byteCount))
  }

  /// - Returns: `nil` for a record that is none.
  init?(_ record: borrowing RecordView) {
    guard record.isIdentity, let value = record.value else { return nil }
    self.init(decoding: value)
  }

  var encoded: [UInt8] { [Self.version] + bytes }

  /// In hexadecimal.
  public var text: String { Hexadecimal.text(bytes) }

  /// - Returns: `nil` for a text that is none.
  init?(text: some StringProtocol) {
    guard let bytes = Hexadecimal.bytes(text), bytes.count == Self.count else { return nil }
    self.bytes = bytes
  }
}

/// Bytes as text, two digits each.
package enum Hexadecimal {
  package static func text(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  static func text(_ number: UInt64) -> String {
    withUnsafeBytes(of: number.bigEndian) { text($0) }
  }

  /// - Returns: `nil` for a text that is not of pairs of digits.
  static func bytes(_ text: some StringProtocol) -> [UInt8]? {
    let digits = text.map(\.hexDigitValue)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = digits[index], let low = digits[index + 1] else { return nil }
      bytes.append(UInt8(high << 4 | low))
    }
    return bytes
  }
}

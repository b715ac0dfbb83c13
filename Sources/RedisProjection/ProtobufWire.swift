/// The parts of protobuf's wire format that Feast's values need.
///
/// Source: https://protobuf.dev/programming-guides/encoding/
enum ProtobufWire {
  enum WireType: UInt64 {
    case varint = 0
    case fixed64 = 1
    case length = 2
    case fixed32 = 5
  }

  static func tag(_ field: UInt64, _ type: WireType) -> UInt64 { field << 3 | type.rawValue }

  /// Reads a message from its beginning. Every read returns `nil` at the end or for malformed
  /// bytes.
  struct Reader: ~Escapable {
    private let bytes: RawSpan
    private var position = 0

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) {
      self.bytes = bytes
    }

    var isAtEnd: Bool { position == bytes.byteCount }

    mutating func varint() -> UInt64? {
      var value: UInt64 = 0
      for shift in stride(from: 0 as UInt64, to: 64, by: 7) {
        guard position < bytes.byteCount else { return nil }
        let byte = unsafe bytes.unsafeLoad(fromByteOffset: position, as: UInt8.self)
        position += 1
        value |= UInt64(byte & 0x7f) << shift
        if byte < 0x80 { return value }
      }
      return nil
    }

    mutating func fixed<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> T? {
      guard bytes.byteCount - position >= MemoryLayout<T>.size else { return nil }
      defer { position += MemoryLayout<T>.size }
      return unsafe T(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: position, as: type))
    }

    mutating func lengthDelimited() -> [UInt8]? {
      guard let count = varint(), count <= UInt64(bytes.byteCount - position) else { return nil }
      let end = position + Int(count)
      defer { position = end }
      return unsafe bytes.extracting(position..<end).withUnsafeBytes { unsafe [UInt8]($0) }
    }
  }
}

extension [UInt8] {
  mutating func appendVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }
}

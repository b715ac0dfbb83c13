/// A feature's value in Feast's online store: a serialized `feast.types.Value`.
///
/// Source: Feast, `protos/feast/types/Value.proto`. The kind is a oneof, so zeros are written. An
/// empty message is a missing value.
public enum FeastValue: Hashable, Sendable {
  case bytes([UInt8])
  case string(String)
  case int32(Int32)
  case int64(Int64)
  case double(Double)
  case float(Float)
  case bool(Bool)
  /// Seconds since 1970.
  case unixTimestamp(Int64)

  private enum Field {
    static let bytes: UInt64 = 1
    static let string: UInt64 = 2
    static let int32: UInt64 = 3
    static let int64: UInt64 = 4
    static let double: UInt64 = 5
    static let float: UInt64 = 6
    static let bool: UInt64 = 7
    static let unixTimestamp: UInt64 = 8
  }

  /// Appends the serialized message to `bytes`.
  public func append(to bytes: inout [UInt8]) {
    switch self {
    case .bytes(let value): Self.append(Field.bytes, value, to: &bytes)
    case .string(let value): Self.append(Field.string, value.utf8, to: &bytes)
    case .int32(let value): Self.append(Field.int32, Int64(value), to: &bytes)
    case .int64(let value): Self.append(Field.int64, value, to: &bytes)
    case .double(let value):
      bytes.appendVarint(ProtobufWire.tag(Field.double, .fixed64))
      bytes.appendLittleEndian(value.bitPattern)
    case .float(let value):
      bytes.appendVarint(ProtobufWire.tag(Field.float, .fixed32))
      bytes.appendLittleEndian(value.bitPattern)
    case .bool(let value): Self.append(Field.bool, value ? 1 : 0, to: &bytes)
    case .unixTimestamp(let value): Self.append(Field.unixTimestamp, value, to: &bytes)
    }
  }

  private static func append(_ field: UInt64, _ value: Int64, to bytes: inout [UInt8]) {
    bytes.appendVarint(ProtobufWire.tag(field, .varint))
    bytes.appendVarint(UInt64(bitPattern: value))
  }

  private static func append(
    _ field: UInt64, _ value: some Collection<UInt8>, to bytes: inout [UInt8]
  ) {
    bytes.appendVarint(ProtobufWire.tag(field, .length))
    bytes.appendVarint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  /// Reads a serialized message; `nil` if it has no value, or one of another kind.
  public init?(serialized bytes: RawSpan) {
    var reader = ProtobufWire.Reader(bytes)
    guard let tag = reader.varint(), let value = Self.read(tag, &reader), reader.isAtEnd else {
      return nil
    }
    self = value
  }

  private static func read(_ tag: UInt64, _ reader: inout ProtobufWire.Reader) -> FeastValue? {
    switch (tag >> 3, ProtobufWire.WireType(rawValue: tag & 7)) {
    case (Field.bytes, .length):
      return reader.lengthDelimited().map { .bytes($0) }
    case (Field.string, .length):
      return reader.lengthDelimited().map { .string(String(decoding: $0, as: UTF8.self)) }
    case (Field.int32, .varint):
      return reader.varint().map { .int32(Int32(truncatingIfNeeded: $0)) }
    case (Field.int64, .varint):
      return reader.varint().map { .int64(Int64(bitPattern: $0)) }
    case (Field.double, .fixed64):
      return reader.fixed(UInt64.self).map { .double(Double(bitPattern: $0)) }
    case (Field.float, .fixed32):
      return reader.fixed(UInt32.self).map { .float(Float(bitPattern: $0)) }
    case (Field.bool, .varint):
      return reader.varint().map { .bool($0 != 0) }
    case (Field.unixTimestamp, .varint):
      return reader.varint().map { .unixTimestamp(Int64(bitPattern: $0)) }
    default:
      return nil
    }
  }
}

/// The event time of a feature view's values: a serialized `google.protobuf.Timestamp`.
public enum FeastTimestamp {
  /// Appends the message of `milliseconds` since 1970 to `bytes`.
  public static func append(milliseconds: Int64, to bytes: inout [UInt8]) {
    // Nanoseconds count forward even before 1970.
    let seconds = (milliseconds >= 0 ? milliseconds : milliseconds - 999) / 1000
    let nanoseconds = (milliseconds - seconds * 1000) * 1_000_000
    if seconds != 0 {
      bytes.appendVarint(ProtobufWire.tag(1, .varint))
      bytes.appendVarint(UInt64(bitPattern: seconds))
    }
    if nanoseconds != 0 {
      bytes.appendVarint(ProtobufWire.tag(2, .varint))
      bytes.appendVarint(UInt64(nanoseconds))
    }
  }

  /// Reads a message as milliseconds since 1970, rounded down; `nil` if it is malformed.
  public static func milliseconds(serialized bytes: RawSpan) -> Int64? {
    var reader = ProtobufWire.Reader(bytes)
    var seconds: Int64 = 0
    var nanoseconds: Int64 = 0
    while !reader.isAtEnd {
      guard let tag = reader.varint(), let value = reader.varint() else { return nil }
      switch tag {
      case ProtobufWire.tag(1, .varint): seconds = Int64(bitPattern: value)
      case ProtobufWire.tag(2, .varint): nanoseconds = Int64(bitPattern: value)
      default: return nil
      }
    }
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1000)
    return overflow ? nil : whole &+ nanoseconds / 1_000_000
  }
}

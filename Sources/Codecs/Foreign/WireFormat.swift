/// The prefixes that the serializers of schema registries put in front of a record's payload. No
/// JSON text begins with any of their bytes.
public enum WireFormat {
  /// The payload without Confluent's prefix, if it has one: 0x00 and a schema number of four bytes,
  /// or 0x01 and a schema GUID of sixteen.
  @_lifetime(copy value)
  public static func payload(of value: RawSpan) -> RawSpan {
    guard value.byteCount > 0 else { return value }
    let prefixLength =
      switch value.byte(at: 0) {
      case 0x00: 5
      case 0x01: 17
      default: 0
      }
    guard value.byteCount >= prefixLength else { return value }
    return value.extracting(prefixLength...)
  }

  /// The payload behind a rarer prefix: Apicurio's 0x00 and a number of eight bytes, or AWS Glue's
  /// 0x03, 0x00 (not compressed) and a GUID of sixteen.
  ///
  /// - Returns: `nil` unless an object follows, for the first of them begins like Confluent's.
  @_lifetime(copy value)
  package static func payloadBehindRarePrefix(of value: RawSpan) -> RawSpan? {
    guard value.byteCount > 0 else { return nil }
    let length =
      switch value.byte(at: 0) {
      case 0x00: 9
      case 0x03: 18
      default: 0
      }
    guard length > 0, value.byteCount > length, value.byte(at: length) == UInt8(ascii: "{"),
      length == 9 || value.byte(at: 1) == 0x00
    else { return nil }
    return value.extracting(length...)
  }
}

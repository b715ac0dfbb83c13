/// The prefix that Confluent's serializers put in front of a record's payload.
public enum WireFormat {
  /// The payload without its schema prefix, if it has one: 0x00 and a schema number of four bytes,
  /// or 0x01 and a schema GUID of sixteen. No JSON text begins with either byte.
  @_lifetime(copy value)
  public static func payload(of value: RawSpan) -> RawSpan {
    guard value.byteCount > 0 else { return value }
    let prefixLength =
      switch value.unsafeLoad(fromByteOffset: 0, as: UInt8.self) {
      case 0x00: 5
      case 0x01: 17
      default: 0
      }
    guard value.byteCount >= prefixLength else { return value }
    return value.extracting(prefixLength...)
  }
}

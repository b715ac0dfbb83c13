/// Identifiers as decimal text: the keys of topics.
public enum DecimalText {
  /// - Returns: `nil` unless the bytes are a number of 0 to 2^63 - 1 without sign or space.
  public static func parse(_ bytes: RawSpan) -> Int64? {
    guard (1...19).contains(bytes.byteCount) else { return nil }
    var number: Int64 = 0
    for index in 0..<bytes.byteCount {
      let digit = bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self) &- 0x30
      guard digit <= 9 else { return nil }
      let (product, overflow) = number.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(Int64(digit))
      guard !overflow, !carry else { return nil }
      number = sum
    }
    return number
  }
}

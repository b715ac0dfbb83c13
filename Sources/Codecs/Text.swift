extension String {
  /// A string of bytes that a JSON parser has already found to be UTF-8.
  package init(copyingUTF8 bytes: RawSpan) {
    self = unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }
}

/// What some programs put in front of UTF-8 text.
package let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

extension RawSpan {
  /// Whether the bytes are those of a literal.
  package func equals(_ literal: StaticString) -> Bool {
    guard byteCount == literal.utf8CodeUnitCount else { return false }
    for index in 0..<byteCount
    where unsafe unsafeLoad(fromByteOffset: index, as: UInt8.self) != literal.utf8Start[index] {
      return false
    }
    return true
  }

  /// Whether the bytes are the UTF-8 of a text.
  package func equals(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { other in
      unsafe byteCount == other.count
        && withUnsafeBytes { unsafe $0.elementsEqual(other) }
    }
  }

  /// The byte at a place, which must be within.
  @inlinable
  package func byte(at index: Int) -> UInt8 {
    unsafe unsafeLoad(fromByteOffset: index, as: UInt8.self)
  }

  /// The bytes without ASCII white space around them.
  @_lifetime(copy self)
  package func trimmed() -> RawSpan {
    var start = 0
    var end = byteCount
    while start < end, byte(at: start).isASCIISpace { start += 1 }
    while end > start, byte(at: end - 1).isASCIISpace { end -= 1 }
    return extracting(start..<end)
  }

  /// Calls `body` with the first `limit` parts between separators; returns the number of parts, at
  /// most `limit` + 1.
  package func forEachPart(separator: UInt8, limit: Int, _ body: (RawSpan) -> Void) -> Int {
    var count = 0
    var start = 0
    for index in 0...byteCount {
      guard
        unsafe index == byteCount || unsafeLoad(fromByteOffset: index, as: UInt8.self) == separator
      else { continue }
      if count == limit { return limit + 1 }
      body(extracting(start..<index))
      count += 1
      start = index + 1
    }
    return count
  }
}

extension UInt8 {
  /// Whether it is a space, tab, line feed or carriage return.
  package var isASCIISpace: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}

extension [UInt8] {
  /// The span's bytes.
  init(copying span: RawSpan) {
    self = span.withUnsafeBytes { [UInt8]($0) }
  }
}

extension [UInt8]? {
  /// The span's bytes, or `nil` for none.
  init(copying span: RawSpan?) {
    if let span { self = [UInt8](copying: span) } else { self = nil }
  }

  /// Hands the bytes to `body`, `nil` for none.
  func withSpan<R, E: Error>(_ body: (RawSpan?) throws(E) -> R) throws(E) -> R {
    guard let bytes = self else { return try body(nil) }
    return try body(bytes.span.bytes)
  }
}

import EventLog

/// How much of a foreign record an output repeats.
///
/// A topic limits batches as they are compressed, so a record that came out of one may be far larger
/// than what the topics it would be repeated on take.
enum Quotation {
  /// The most bytes of a key, or of headers, that an answer to the record repeats.
  static let limit = 1 << 16

  static func key(_ key: RawSpan?) -> [UInt8]? {
    guard let key, key.byteCount <= limit else { return nil }
    return [UInt8](copying: key)
  }

  static func headers(_ headers: [RecordHeader]) -> [RecordHeader] {
    headers.byteCount <= limit ? headers : []
  }
}

extension [RecordHeader] {
  /// Bytes of names and values.
  var byteCount: Int { reduce(0) { $0 + $1.name.utf8.count + ($1.value?.count ?? 0) } }
}

extension RecordView {
  /// Bytes of key and value.
  var byteCount: Int { (key?.byteCount ?? 0) + (value?.byteCount ?? 0) }
}

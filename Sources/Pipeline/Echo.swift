import EventLog

/// How much of a record from outside goes on as it came.
///
/// A topic takes batches of a certain size as they are compressed, so that a record that came out of one
/// may be far larger than what the topics it would be echoed on take.
enum Echo {
  /// The most bytes of a key, or of headers, that an answer to the record repeats.
  static let most = 1 << 16

  static func key(_ key: RawSpan?) -> [UInt8]? {
    guard let key, key.byteCount <= most else { return nil }
    return [UInt8](copying: key)
  }

  static func headers(_ headers: [RecordHeader]) -> [RecordHeader] {
    headers.byteCount <= most ? headers : []
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

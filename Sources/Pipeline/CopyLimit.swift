import EventLog

/// Limits how much of a foreign record is copied into the records that answer it.
///
/// Topics limit the compressed size of a batch, so a record may be far larger uncompressed than the
/// topics its copy would go to accept.
enum CopyLimit {
  /// For a key, and for all headers together.
  static let bytes = 1 << 16

  static func key(_ key: RawSpan?) -> [UInt8]? {
    guard let key, key.byteCount <= bytes else { return nil }
    return [UInt8](copying: key)
  }

  static func headers(_ headers: [RecordHeader]) -> [RecordHeader] {
    headers.byteCount <= bytes ? headers : []
  }
}

extension [RecordHeader] {
  /// The most bytes that they take in a record: names and values, and up to five for the length of
  /// each. Even an empty header is not free, and a record may have millions.
  var byteCount: Int { reduce(0) { $0 + 10 + $1.name.utf8.count + ($1.value?.count ?? 0) } }
}

extension RecordView {
  /// Bytes of key and value.
  var byteCount: Int { (key?.byteCount ?? 0) + (value?.byteCount ?? 0) }
}

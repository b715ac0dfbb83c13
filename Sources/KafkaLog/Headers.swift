import CRdkafka
import EventLog

/// Copies a consumed message's headers, in order. Null values stay null.
func copyHeaders(of record: UnsafeRawPointer) -> [RecordHeader] {
  let message = unsafe record.assumingMemoryBound(to: rd_kafka_message_t.self)
  var headers: OpaquePointer?
  guard unsafe rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR,
    let headers = unsafe headers
  else { return [] }
  var result: [RecordHeader] = []
  unsafe result.reserveCapacity(rd_kafka_header_cnt(headers))
  var name: UnsafePointer<CChar>?
  var value: UnsafeRawPointer?
  var size = 0
  while unsafe rd_kafka_header_get_all(headers, result.count, &name, &value, &size)
    == RD_KAFKA_RESP_ERR_NO_ERROR
  {
    let text = unsafe name.map { unsafe String(cString: $0) } ?? ""
    let bytes = unsafe value.map { unsafe [UInt8](UnsafeRawBufferPointer(start: $0, count: size)) }
    result.append(RecordHeader(text, bytes))
  }
  return result
}

/// Owns an `rd_kafka_headers_t` until a produced message takes it.
@safe struct OutgoingHeaders: ~Copyable {
  let headers: OpaquePointer

  init(_ source: [RecordHeader]) throws(LogError) {
    unsafe headers = rd_kafka_headers_new(source.count)
    for header in source {
      let code = unsafe withNullableBytes(header.value) { bytes, count in
        unsafe rd_kafka_header_add(headers, header.name, -1, bytes, count)
      }
      try check(code, "header \"\(header.name)\"")
    }
  }

  deinit { unsafe rd_kafka_headers_destroy(headers) }

  /// Passes the headers to librdkafka, which frees them.
  consuming func relinquish() { discard self }
}

/// Bytes in the form that librdkafka takes: only a null value has a null pointer.
private func withNullableBytes<R>(_ bytes: [UInt8]?, _ body: (UnsafeRawPointer?, Int) -> R) -> R {
  guard let bytes else { return body(nil, 0) }
  return unsafe bytes.withUnsafeBytes { buffer in
    guard let base = buffer.baseAddress else {
      var nothing: UInt8 = 0
      return unsafe withUnsafeBytes(of: &nothing) { unsafe body($0.baseAddress, 0) }
    }
    return unsafe body(base, buffer.count)
  }
}

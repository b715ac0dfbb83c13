import CRdkafka

/// Everything of a record to produce but its bytes.
struct OutgoingMessage {
  let topic: OpaquePointer
  let partition: Int32
  /// Milliseconds since 1970; 0 is now.
  let timestamp: Int64
  /// Comes back with the delivery report.
  let opaque: UnsafeMutableRawPointer?

  /// Hands the record to librdkafka, which copies its bytes and takes the headers if it succeeds.
  func produce(
    _ client: OpaquePointer, _ key: UnsafeRawPointer?, _ keyCount: Int,
    _ value: UnsafeRawPointer?, _ valueCount: Int, headers: OpaquePointer?
  ) -> rd_kafka_resp_err_t {
    if timestamp == 0, headers == nil {
      let result = rd_kafka_produce(
        topic, partition, Int32(RD_KAFKA_MSG_F_COPY), UnsafeMutableRawPointer(mutating: value),
        valueCount, key, keyCount, opaque)
      return result == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error()
    }
    return withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: 8) { arguments in
      var count = 0
      func add(_ type: rd_kafka_vtype_t, _ set: (inout rd_kafka_vu_t) -> Void) {
        var argument = rd_kafka_vu_t()
        argument.vtype = type
        set(&argument)
        arguments.initializeElement(at: count, to: argument)
        count += 1
      }
      add(RD_KAFKA_VTYPE_RKT) { $0.u.rkt = topic }
      add(RD_KAFKA_VTYPE_PARTITION) { $0.u.i32 = partition }
      add(RD_KAFKA_VTYPE_MSGFLAGS) { $0.u.i = Int32(RD_KAFKA_MSG_F_COPY) }
      add(RD_KAFKA_VTYPE_VALUE) {
        $0.u.mem.ptr = UnsafeMutableRawPointer(mutating: value)
        $0.u.mem.size = valueCount
      }
      add(RD_KAFKA_VTYPE_KEY) {
        $0.u.mem.ptr = UnsafeMutableRawPointer(mutating: key)
        $0.u.mem.size = keyCount
      }
      add(RD_KAFKA_VTYPE_TIMESTAMP) { $0.u.i64 = timestamp }
      add(RD_KAFKA_VTYPE_OPAQUE) { $0.u.ptr = opaque }
      if let headers { add(RD_KAFKA_VTYPE_HEADERS) { $0.u.headers = headers } }
      guard
        let error = ClientError(rd_kafka_produceva(client, arguments.baseAddress, count))
      else { return RD_KAFKA_RESP_ERR_NO_ERROR }
      return error.code
    }
  }
}

/// A span's bytes as librdkafka takes them: null for a null value, a pointer for an empty one.
func withBytes<R>(_ span: RawSpan?, _ body: (UnsafeRawPointer?, Int) -> R) -> R {
  guard let span else { return body(nil, 0) }
  return span.withUnsafeBytes { bytes in
    if let start = bytes.baseAddress { return body(start, bytes.count) }
    var nothing: UInt8 = 0
    return withUnsafeBytes(of: &nothing) { body($0.baseAddress, 0) }
  }
}

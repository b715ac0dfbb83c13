import CRdkafka

/// A record to produce, except for its bytes.
@unsafe struct OutgoingMessage {
  let topic: OpaquePointer
  let partition: Int32
  /// Milliseconds since 1970; 0 is now.
  let timestamp: Int64
  /// Returned with the delivery report.
  let opaque: UnsafeMutableRawPointer?

  /// Hands the record to librdkafka, which copies its bytes and takes the headers if it succeeds.
  func produce(
    _ client: OpaquePointer, _ key: UnsafeRawPointer?, _ keyCount: Int,
    _ value: UnsafeRawPointer?, _ valueCount: Int, headers: OpaquePointer?
  ) -> rd_kafka_resp_err_t {
    if unsafe timestamp == 0, unsafe headers == nil {
      let result = unsafe rd_kafka_produce(
        topic, partition, Int32(RD_KAFKA_MSG_F_COPY), UnsafeMutableRawPointer(mutating: value),
        valueCount, key, keyCount, opaque)
      return result == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error()
    }
    return unsafe withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: 8) { arguments in
      var count = 0
      func add(_ type: rd_kafka_vtype_t, _ set: (inout rd_kafka_vu_t) -> Void) {
        var argument = unsafe rd_kafka_vu_t()
        unsafe argument.vtype = type
        unsafe set(&argument)
        unsafe arguments.initializeElement(at: count, to: argument)
        count += 1
      }
      unsafe add(RD_KAFKA_VTYPE_RKT) { unsafe $0.u.rkt = unsafe topic }
      unsafe add(RD_KAFKA_VTYPE_PARTITION) { unsafe $0.u.i32 = partition }
      unsafe add(RD_KAFKA_VTYPE_MSGFLAGS) { unsafe $0.u.i = Int32(RD_KAFKA_MSG_F_COPY) }
      unsafe add(RD_KAFKA_VTYPE_VALUE) {
        unsafe $0.u.mem.ptr = unsafe UnsafeMutableRawPointer(mutating: value)
        unsafe $0.u.mem.size = valueCount
      }
      unsafe add(RD_KAFKA_VTYPE_KEY) {
        unsafe $0.u.mem.ptr = unsafe UnsafeMutableRawPointer(mutating: key)
        unsafe $0.u.mem.size = keyCount
      }
      unsafe add(RD_KAFKA_VTYPE_TIMESTAMP) { unsafe $0.u.i64 = timestamp }
      unsafe add(RD_KAFKA_VTYPE_OPAQUE) { unsafe $0.u.ptr = unsafe opaque }
      if let headers = unsafe headers {
        unsafe add(RD_KAFKA_VTYPE_HEADERS) { unsafe $0.u.headers = unsafe headers }
      }
      guard
        let error = unsafe ClientError(rd_kafka_produceva(client, arguments.baseAddress, count))
      else { return RD_KAFKA_RESP_ERR_NO_ERROR }
      return error.code
    }
  }
}

/// A span's bytes in the form that librdkafka takes: only a null value has a null pointer.
func withBytes<R>(_ span: RawSpan?, _ body: (UnsafeRawPointer?, Int) -> R) -> R {
  guard let span else { return body(nil, 0) }
  return unsafe span.withUnsafeBytes { bytes in
    if let start = bytes.baseAddress { return unsafe body(start, bytes.count) }
    var nothing: UInt8 = 0
    return unsafe withUnsafeBytes(of: &nothing) { unsafe body($0.baseAddress, 0) }
  }
}

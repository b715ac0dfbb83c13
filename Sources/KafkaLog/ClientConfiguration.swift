import CRdkafka
import EventLog

/// Owns an `rd_kafka_conf_t` until it becomes a client.
@safe struct ClientConfiguration: ~Copyable {
  private let conf: OpaquePointer

  private init() { unsafe conf = unsafe rd_kafka_conf_new() }

  init(_ properties: [(String, String)], overrides: [String: String]) throws(LogError) {
    self.init()
    for (name, value) in properties {
      try set(name, value)
    }
    for (name, value) in overrides.sorted(by: { $0.key < $1.key }) {
      guard !KafkaSettings.reserved.union(KafkaSettings.names).contains(name) else {
        throw LogError(
          .configuration,
          "kafka property \"\(name)\" can't be changed: what the stages promise depends on it",
          reaction: .stopDaemon)
      }
      try set(name, value)
    }
  }

  deinit { unsafe rd_kafka_conf_destroy(conf) }

  private func set(_ name: String, _ value: String) throws(LogError) {
    var result = RD_KAFKA_CONF_OK
    let message = unsafe withErrorText { text, size in
      result = unsafe rd_kafka_conf_set(conf, name, value, text, size)
    }
    guard result == RD_KAFKA_CONF_OK else {
      throw LogError(
        .configuration, "kafka property \"\(name)\": \(message)", reaction: .stopDaemon)
    }
  }

  /// Creates the client, with callbacks that reach `context`. The caller keeps `context` alive
  /// until the client is destroyed.
  consuming func makeClient(_ type: rd_kafka_type_t, context: ClientContext)
    throws(LogError) -> OpaquePointer
  {
    unsafe Mend.calmMainThread(of: conf)
    unsafe rd_kafka_conf_set_opaque(conf, Unmanaged.passUnretained(context).toOpaque())
    unsafe rd_kafka_conf_set_log_cb(conf, logCallback)
    unsafe rd_kafka_conf_set_error_cb(conf, errorCallback)
    unsafe rd_kafka_conf_set_ssl_cert_verify_cb(conf, certificateCallback)
    if type == RD_KAFKA_CONSUMER {
      unsafe rd_kafka_conf_set_rebalance_cb(conf, rebalanceCallback)
    } else {
      unsafe rd_kafka_conf_set_dr_msg_cb(conf, deliveryCallback)
    }
    var client: OpaquePointer?
    let message = unsafe withErrorText { text, size in
      unsafe client = rd_kafka_new(type, conf, text, size)
    }
    // `rd_kafka_new` takes the configuration when it succeeds. When it fails, it may have freed the
    // interceptors that the configuration still names: to destroy it as well would crash, so a few
    // kilobytes stay.
    discard self
    guard let client = unsafe client else {
      // librdkafka's mechanism, where none is set, is Kerberos'.
      let advice =
        message.contains("kerberos")
        ? "set kafka.sasl.mechanism: without one it is GSSAPI, which needs kafka.sasl.kerberos.*"
        : "correct the kafka.* keys that this is about"
      throw LogError(.configuration, message, reaction: .stopDaemon).advised(advice)
    }
    return unsafe client
  }
}

/// Calls a C function that describes its failure in the caller's buffer, and returns that text.
func withErrorText(_ body: (UnsafeMutablePointer<CChar>, Int) -> Void) -> String {
  unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
    guard let base = buffer.baseAddress else { return "" }
    unsafe base.initialize(repeating: 0, count: buffer.count)
    unsafe body(base, buffer.count)
    return unsafe String(cString: base)
  }
}

import CRdkafka
import CRdkafkaClock

extension Mend {
  /// A client's main thread (`rd_kafka_thread_main`) waits until its next timer in whole
  /// milliseconds rounded down: for the last part of a millisecond it polls without waiting. Each
  /// transaction sets two timers of one millisecond to register its partitions.
  ///
  /// Those threads get a monotonic clock that moves in steps of a millisecond (`CRdkafkaClock`). At
  /// a hundred transactions a second on two producers that take turns, a client then takes 6 % of a
  /// core instead of 24 % (librdkafka 2.0.2 and Apache Kafka 3.9 on a shared machine with two
  /// cores, medians of five interleaved pairs of runs at about 80 transactions a second, scaled by
  /// the transaction). librdkafka 2.4 takes 6 % without it.
  static let spinningMainThread = Mend(
    fault: "The main thread polls without waiting for up to a millisecond before each timer.",
    source: "https://github.com/confluentinc/librdkafka/pull/4671",
    mendedIn: LibraryVersion(2, 4, 0))

  /// Has librdkafka say which threads are main threads, and gives those the stepping clock.
  static func calmMainThread(
    of configuration: OpaquePointer, _ version: LibraryVersion = .linked
  ) {
    guard spinningMainThread.isNeeded(by: version) else { return }
    // Fails only if the configuration has this interceptor already.
    unsafe rd_kafka_conf_interceptor_add_on_new(configuration, "clock", addThreadInterceptor, nil)
  }
}

private func addThreadInterceptor(
  _ client: OpaquePointer?, _ configuration: OpaquePointer?, _ opaque: UnsafeMutableRawPointer?,
  _ text: UnsafeMutablePointer<CChar>?, _ size: Int
) -> rd_kafka_resp_err_t {
  unsafe rd_kafka_interceptor_add_on_thread_start(client, "clock", threadStarted, nil)
}

private func threadStarted(
  _ client: OpaquePointer?, _ type: rd_kafka_thread_type_t, _ name: UnsafePointer<CChar>?,
  _ opaque: UnsafeMutableRawPointer?
) -> rd_kafka_resp_err_t {
  if type == RD_KAFKA_THREAD_MAIN { rdkafka_clock_step_on_this_thread() }
  return RD_KAFKA_RESP_ERR_NO_ERROR
}

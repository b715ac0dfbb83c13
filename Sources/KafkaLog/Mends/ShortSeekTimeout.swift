import CRdkafka

extension Mend {
  /// `rd_kafka_seek_partitions` waits for as many microseconds as it was given milliseconds, so a
  /// seek that is only slow looks like one that has failed.
  ///
  /// `KafkaConsumer` repeats such a seek until the request timeout is really over.
  static let shortSeekTimeout = Mend(
    fault: "A seek takes its timeout for microseconds.",
    source: "https://github.com/confluentinc/librdkafka/pull/4230",
    mendedIn: LibraryVersion(2, 1, 0))

  /// Whether a seek failed only because it was not given the time it was promised.
  static func isPremature(
    seek code: rd_kafka_resp_err_t, _ version: LibraryVersion = .linked
  ) -> Bool {
    code == RD_KAFKA_RESP_ERR__TIMED_OUT && shortSeekTimeout.isNeeded(by: version)
  }
}

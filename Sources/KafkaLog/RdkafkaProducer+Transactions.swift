import CRdkafka
import EventLog

extension RdkafkaProducer {
  func initTransactions(timeout: Duration) throws(LogError) {
    try unsafe retrying(until: .now + timeout) { [client] remaining in
      unsafe rd_kafka_init_transactions(client.handle, remaining)
    }
  }

  func beginTransaction() throws(LogError) {
    _ = deliveries.takeError()
    try unsafe check(rd_kafka_begin_transaction(client.handle))
  }

  func sendOffsets(
    _ offsets: borrowing PartitionList, of consumer: KafkaClient,
    deadline: ContinuousClock.Instant
  ) throws(LogError) {
    guard let group = GroupMetadata(of: consumer) else {
      throw LogError(RD_KAFKA_RESP_ERR__UNKNOWN_GROUP, "committing offsets")
    }
    let (native, metadata) = unsafe (offsets.list, group.metadata)
    try unsafe retrying(until: deadline) { [client] remaining in
      unsafe rd_kafka_send_offsets_to_transaction(client.handle, native, metadata, remaining)
    }
  }

  func commitTransaction(deadline: ContinuousClock.Instant) throws(LogError) {
    do throws(LogError) {
      try unsafe retrying(until: deadline) { [client] remaining in
        unsafe rd_kafka_commit_transaction(client.handle, remaining)
      }
    } catch {
      throw error.code == .transactionAborted ? abortion(error.message) : error
    }
  }

  /// Why the transaction must be aborted. librdkafka only counts failed deliveries; the first one
  /// says why, and whether a repetition would fail too.
  func abortion(_ message: String) -> LogError {
    guard let cause = deliveries.takeError() else {
      return LogError(.transactionAborted, message, reaction: .abortBatch)
    }
    let stops = cause.reaction == .stopDaemon
    return LogError(
      stops ? cause.code : .transactionAborted, "\(message) (\(cause.message))",
      reaction: stops ? .stopDaemon : .abortBatch)
  }

  func abortTransaction(deadline: ContinuousClock.Instant) throws(LogError) {
    try unsafe retrying(until: deadline) { [client] remaining in
      unsafe rd_kafka_abort_transaction(client.handle, Mend.abortAttempt(remaining))
    }
    _ = deliveries.takeError()
  }

  /// Repeats a call while its error is retriable and there is time.
  private func retrying(
    until deadline: ContinuousClock.Instant, _ call: (_ milliseconds: Int32) -> OpaquePointer?
  ) throws(LogError) {
    while true {
      let remaining = max(deadline - .now, .milliseconds(1))
      guard let error = unsafe ClientError(call(remaining.milliseconds)) else { return }
      if !error.isRetriable || error.requiresAbort || ContinuousClock.now >= deadline {
        throw client.fatalError ?? error.logError
      }
      // Most errors come after a wait; serve the client for a moment in case this one didn't.
      unsafe rd_kafka_poll(client.handle, 10)
    }
  }
}

/// Owns a consumer group's metadata, which fences the offsets of a transaction.
@safe private struct GroupMetadata: ~Copyable {
  let metadata: OpaquePointer

  init?(of consumer: KafkaClient) {
    guard let metadata = unsafe rd_kafka_consumer_group_metadata(consumer.handle) else {
      return nil
    }
    unsafe self.metadata = metadata
  }

  deinit { unsafe rd_kafka_consumer_group_metadata_destroy(metadata) }
}

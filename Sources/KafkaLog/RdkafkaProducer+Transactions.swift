import CRdkafka
import EventLog

extension RdkafkaProducer {
  /// How long the transaction coordinator may keep a producer waiting until somebody is to look.
  private static let slow = Duration.seconds(3)
  /// How long a stop may go unnoticed.
  private static let glance = Duration.milliseconds(200)

  /// - Parameter began: when the first attempt began.
  func initTransactions(timeout: Duration, since began: ContinuousClock.Instant = .now)
    throws(LogError)
  {
    let deadline = ContinuousClock.now + timeout
    let settings = client.access.settings
    while true {
      do throws(LogError) {
        // librdkafka goes on with what an earlier call has begun.
        return try unsafe retrying(until: min(deadline, .now + Self.glance)) {
          [client] remaining in
          unsafe rd_kafka_init_transactions(client.handle, remaining)
        }
      } catch {
        guard error.reaction == .retry, ContinuousClock.now < deadline else { throw error }
        if settings.isStopping?() == true {
          throw LogError(
            .unavailable, "stopped while waiting for transactions", reaction: .abandonPartition)
        }
      }
      if ContinuousClock.now - began > Self.slow { settings.whenSlow?() }
    }
  }

  func beginTransaction() throws(LogError) {
    _ = deliveries.takeError()
    renewBounds()
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
    try unsafe retrying(until: deadline, group: consumer.access.group) { [client] remaining in
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
    let abortion = LogError(
      stops ? cause.code : .transactionAborted, "\(message) (\(cause.message))",
      reaction: stops ? .stopDaemon : .abortBatch)
    guard let advice = cause.advice else { return abortion }
    return abortion.advised(advice)
  }

  func abortTransaction(deadline: ContinuousClock.Instant) throws(LogError) {
    try unsafe retrying(until: deadline) { [client] remaining in
      unsafe rd_kafka_abort_transaction(client.handle, Mend.abortAttempt(remaining))
    }
    _ = deliveries.takeError()
  }

  /// Repeats a call while its error is retriable and there is time.
  private func retrying(
    until deadline: ContinuousClock.Instant, group: String? = nil,
    _ call: (_ milliseconds: Int32) -> OpaquePointer?
  ) throws(LogError) {
    while true {
      let remaining = max(deadline - .now, .milliseconds(1))
      guard let error = unsafe ClientError(call(remaining.milliseconds)) else { return }
      if !error.isRetriable || error.requiresAbort || ContinuousClock.now >= deadline {
        throw client.fatalError
          ?? client.access.explain(
            error.logError, error.code, group: group,
            topics: client.context.unwritableTopics.sorted().map {
              AccessRight(["Write", "Describe"], on: .topic($0))
            })
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

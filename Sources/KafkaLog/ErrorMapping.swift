import CRdkafka
import EventLog

extension LogError {
  /// Classifies a librdkafka error code.
  ///
  /// - Parameters:
  ///   - detail: what was attempted, or the library's longer text.
  ///   - fatal: the client is unusable.
  ///   - requiresAbort: the open transaction can't be committed.
  ///   - retriable: the library says that the same call may succeed.
  init(
    _ code: rd_kafka_resp_err_t, _ detail: String, fatal: Bool = false,
    requiresAbort: Bool = false, retriable: Bool = false
  ) {
    let text = unsafe String(cString: rd_kafka_err2str(code))
    let message = detail.isEmpty || detail == text ? text : "\(detail): \(text)"
    let (kind, reaction) = Self.classify(code)
    switch kind {
    case _ where requiresAbort && code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
      // The group is rebalancing and still has this member: a removed one is unknown or fenced.
      self.init(.transactionAborted, message, reaction: .abortBatch)
    case .fenced, .recordTooLarge, .denied, .configuration:
      self.init(kind, message, reaction: reaction)
    case _ where requiresAbort:
      self.init(.transactionAborted, message, reaction: .abortBatch)
    case _ where fatal:
      // Only the client is unusable: a new one learns the outcome of its transaction.
      self.init(kind, message, reaction: .abandonPartition)
    case _ where retriable:
      self.init(.unavailable, message, reaction: .retry)
    default:
      self.init(kind, message, reaction: reaction)
    }
  }

  /// What a code means on its own, according to
  /// https://kafka.apache.org/protocol.html#protocol_error_codes and `rdkafka.h`.
  static func classify(_ code: rd_kafka_resp_err_t) -> (code: Code, reaction: Reaction) {
    switch code {
    case RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
      RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, RD_KAFKA_RESP_ERR_TRANSACTION_COORDINATOR_FENCED,
      // A member can fence itself: if a broker dies before it answers, the repeated join replaces
      // the first one.
      RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
      RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
      RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED, RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
      (.fenced, .abandonPartition)
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE,
      RD_KAFKA_RESP_ERR__NO_OFFSET:
      (.offsetOutOfRange, .rebuildStore)
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
      RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
      (.unknownTopic, .retry)
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
      (.recordTooLarge, .stopDaemon)
    case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
      RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
      RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      RD_KAFKA_RESP_ERR_DELEGATION_TOKEN_AUTHORIZATION_FAILED,
      RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
      (.denied, .stopDaemon)
    case RD_KAFKA_RESP_ERR__INVALID_ARG, RD_KAFKA_RESP_ERR__UNKNOWN_GROUP,
      RD_KAFKA_RESP_ERR__NOT_CONFIGURED, RD_KAFKA_RESP_ERR__UNKNOWN_PROTOCOL,
      RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED, RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE,
      RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT,
      RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT, RD_KAFKA_RESP_ERR_INVALID_CONFIG,
      RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR,
      RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
      RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
      (.configuration, .stopDaemon)
    case RD_KAFKA_RESP_ERR__INCONSISTENT, RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID,
      RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE,
      RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, RD_KAFKA_RESP_ERR__PURGE_QUEUE,
      RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE,
      // The producer learns what the topic accepts, and sends the batch again (`RecordTimes`).
      RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP,
      RD_KAFKA_RESP_ERR_OPERATION_NOT_ATTEMPTED:
      (.transactionAborted, .abortBatch)
    case RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
      RD_KAFKA_RESP_ERR__TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE,
      RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__WAIT_COORD,
      RD_KAFKA_RESP_ERR__WAIT_CACHE, RD_KAFKA_RESP_ERR__RESOLVE, RD_KAFKA_RESP_ERR__SSL,
      RD_KAFKA_RESP_ERR__QUEUE_FULL, RD_KAFKA_RESP_ERR__RETRY, RD_KAFKA_RESP_ERR__IN_PROGRESS,
      RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS,
      RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
      RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION,
      RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_NOT_COORDINATOR, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, RD_KAFKA_RESP_ERR_NOT_CONTROLLER,
      RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
      RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT,
      // The group still has this member: its next poll says what it gets.
      RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
      RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH, RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH,
      RD_KAFKA_RESP_ERR_PREFERRED_LEADER_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_ELIGIBLE_LEADERS_NOT_AVAILABLE:
      (.unavailable, .retry)
    case RD_KAFKA_RESP_ERR__STATE:
      // An earlier failure has left the client in a state that a new one doesn't have.
      (.other, .abandonPartition)
    default:
      (.other, .stopDaemon)
    }
  }
}

/// Owns an `rd_kafka_error_t`, which librdkafka's newer calls return for a failure.
@safe struct ClientError: ~Copyable {
  private let error: OpaquePointer

  init?(_ error: OpaquePointer?) {
    guard let error = unsafe error else { return nil }
    unsafe self.error = error
  }

  deinit { unsafe rd_kafka_error_destroy(error) }

  var code: rd_kafka_resp_err_t { unsafe rd_kafka_error_code(error) }
  var isRetriable: Bool { unsafe rd_kafka_error_is_retriable(error) != 0 }
  var requiresAbort: Bool { unsafe rd_kafka_error_txn_requires_abort(error) != 0 }
  var isFatal: Bool { unsafe rd_kafka_error_is_fatal(error) != 0 }

  var logError: LogError {
    unsafe LogError(
      code, String(cString: rd_kafka_error_string(error)), fatal: isFatal,
      requiresAbort: requiresAbort, retriable: isRetriable)
  }
}

/// Throws the error of an `rd_kafka_error_t *` result, unless it is null.
func check(_ result: OpaquePointer?) throws(LogError) {
  guard let error = unsafe ClientError(result) else { return }
  throw error.logError
}

/// Throws unless the code is success.
func check(_ code: rd_kafka_resp_err_t, _ detail: @autoclosure () -> String) throws(LogError) {
  guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw LogError(code, detail()) }
}

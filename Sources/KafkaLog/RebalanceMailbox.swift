import CRdkafka
import EventLog
import Logging

/// Holds the rebalance callback's note until the consumer takes it.
@safe final class RebalanceMailbox: ClientContext {
  private var note: Rebalance?
  /// The consumer's queue, woken so that `poll` returns with the news.
  var queue: OpaquePointer?

  func takeNote() -> Rebalance? {
    defer { note = nil }
    return note
  }

  override func rebalance(
    _ client: OpaquePointer, _ code: rd_kafka_resp_err_t,
    _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
  ) {
    guard let list = unsafe list else { return }
    let partitions = unsafe partitions(of: list)
    if code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
      note = .assigned(partitions)
    } else if unsafe rd_kafka_assignment_lost(client) != 0 {
      note = .lost(partitions)
    } else {
      note = .revoked(partitions)
    }
    let change = partitions.map(\.description).joined(separator: ",")
    logger.info("rebalance", metadata: ["change": "\(change)"])
    if let queue = unsafe queue { unsafe rd_kafka_queue_yield(queue) }
  }
}

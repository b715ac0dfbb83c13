import CRdkafka
import EventLog
import Logging

extension Mend {
  /// An admin request to a group's coordinator waits for a connection. If that breaks before the
  /// request is sent, an assertion ends the process.
  ///
  /// So `KafkaAdmin` asks for a group's members with `rd_kafka_list_groups`, and a client of the
  /// group asks for its offsets and sets them. Two requests have no other way, and come from
  /// commands only: `check` tries to set offsets, and the demo and the bench delete their groups.
  static let coordinatorRequests = Mend(
    fault: "An admin request to a coordinator whose connection breaks ends the process.",
    source: "https://github.com/confluentinc/librdkafka/pull/5397",
    mendedIn: nil)
}

extension KafkaConsumer {
  /// A client of a group that never joins it, to ask for its committed offsets and to set them.
  ///
  /// It does not wait for offsets in open transactions: a client that reads only committed records
  /// would.
  static func bystander(ofGroup group: String, settings: KafkaSettings, logger: Logger)
    throws(LogError) -> KafkaConsumer
  {
    try KafkaConsumer(
      ConsumerConfiguration(
        topics: [], group: group, isMember: false, clientID: "\(group)-offsets",
        readCommitted: false),
      settings: settings, logger: logger)
  }

  /// Asks for the group's committed offsets, and looks once a second whether it may do so. Asks
  /// again while the group's coordinator changes.
  func askAsBystander(_ list: borrowing PartitionList) throws(LogError) -> rd_kafka_resp_err_t {
    let deadline = ContinuousClock.now + requestTimeout
    while true {
      let patience = max(min(.seconds(1), deadline - .now), .milliseconds(1))
      let code = unsafe rd_kafka_committed(client.handle, list.list, patience.milliseconds)
      let isStopping = client.access.settings.isStopping?() == true
      let isChanging = isCoordinatorChanging(code)
      guard code == RD_KAFKA_RESP_ERR__TIMED_OUT || isChanging, ContinuousClock.now < deadline,
        !isStopping
      else { return code }
      let pause: Duration = isChanging ? coordinatorPause : .zero
      if let refusal = groupRefusal(within: pause) { throw refusal }
    }
  }

  /// That the client may not use its group, if that is why a question of one that never joins gets
  /// no answer: librdkafka puts it into the consumer's queue, which only members read.
  func groupRefusal(within patience: Duration = .zero) -> LogError? {
    guard !isMember else { return nil }
    var wait = patience.milliseconds
    while let message = unsafe rd_kafka_consumer_poll(client.handle, wait) {
      wait = 0
      let code = unsafe message.pointee.err
      unsafe rd_kafka_message_destroy(message)
      if code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED {
        return client.access.explain(LogError(code, "asking for committed offsets"), code)
      }
    }
    return nil
  }
}

/// Whether the broker sends the client to another coordinator, or to the same a little later: the
/// first question about any group of a new cluster is answered so.
func isCoordinatorChanging(_ code: rd_kafka_resp_err_t) -> Bool {
  switch code {
  case RD_KAFKA_RESP_ERR_NOT_COORDINATOR, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
    RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    true
  default: false
  }
}

/// How long to wait before a changing coordinator is asked again.
let coordinatorPause = Duration.milliseconds(100)

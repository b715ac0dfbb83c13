import CRdkafka
import EventLog

/// What a client is and uses, to name the right that it lacks.
struct ClientAccess: Sendable {
  var settings: KafkaSettings
  var transactionalID: String?
  var group: String?

  init(_ properties: [(String, String)], _ settings: KafkaSettings) {
    self.settings = settings
    for (name, value) in properties {
      switch name {
      case "transactional.id": transactionalID = value
      case "group.id": group = value
      default: break
      }
    }
  }

  /// Adds the command that grants what a refusal is about.
  ///
  /// - Parameters:
  ///   - group: the one asked about, where it is not the client's own.
  ///   - topics: what the right to is missing of topics.
  func explain(
    _ error: LogError, _ code: rd_kafka_resp_err_t, group: String? = nil, topics: [AccessRight] = []
  ) -> LogError {
    let rights: [AccessRight]
    switch code {
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
      rights =
        transactionalID.map {
          [AccessRight(["Write", "Describe"], on: .transactionalID($0))]
        } ?? []
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
      rights = (group ?? self.group).map { [AccessRight(["Read"], on: .group($0))] } ?? []
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED: rights = topics
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      rights = [AccessRight(["IdempotentWrite"], on: .cluster)]
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
      return error.advised(
        "lower kafka.transaction.timeout.ms to what the brokers allow (transaction.max.timeout.ms,"
          + " 15 minutes unless set)")
    case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
      return error.advised(
        "set kafka.session.timeout.ms to what the brokers allow (group.min.session.timeout.ms to"
          + " group.max.session.timeout.ms)")
    default: return error
    }
    guard !rights.isEmpty else { return error }
    return error.advised(
      "grant " + rights.map(\.text).joined(separator: ", ") + " with `"
        + rights.map(settings.command).joined(separator: "; ")
        + "`; `projectionist topics acls` prints all that is needed")
  }
}

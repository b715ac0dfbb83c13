import CRdkafka
public import EventLog

extension KafkaAdmin {
  /// A topic to create.
  public struct NewTopic: Hashable, Sendable {
    public var name: String
    public var partitions: Int32
    /// -1 is the broker's default.
    public var replicationFactor: Int16
    /// Topic properties by Kafka's names, such as `cleanup.policy`.
    public var properties: [String: String]

    public init(
      _ name: String, partitions: Int32, replicationFactor: Int16 = -1,
      properties: [String: String] = [:]
    ) {
      self.name = name
      self.partitions = partitions
      self.replicationFactor = replicationFactor
      self.properties = properties
    }
  }

  /// What became of one topic of a request.
  public enum TopicResult: Hashable, Sendable {
    case done
    /// The topic to create was there before, or the one to delete was not.
    case unchanged
    case failed(LogError)
  }

  /// Creates topics; one result each, by name.
  public func create(_ topics: [NewTopic]) throws(LogError) -> [String: TopicResult] {
    guard !topics.isEmpty else { return [:] }
    var requests: [OpaquePointer?] = []
    defer { rd_kafka_NewTopic_destroy_array(&requests, requests.count) }
    for topic in topics {
      requests.append(try Self.request(for: topic))
    }
    let count = requests.count
    let reply = try ask(RD_KAFKA_ADMIN_OP_CREATETOPICS, "creating topics") { options in
      rd_kafka_CreateTopics(client.handle, &requests, count, options, queue)
    }
    var size = 0
    let results = rd_kafka_CreateTopics_result_topics(
      rd_kafka_event_CreateTopics_result(reply.event), &size)
    return Self.results(results, size, unchanged: RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
  }

  /// Deletes topics with everything in them; one result each, by name.
  public func delete(_ names: [String]) throws(LogError) -> [String: TopicResult] {
    guard !names.isEmpty else { return [:] }
    var requests: [OpaquePointer?] = names.map { rd_kafka_DeleteTopic_new($0) }
    defer { rd_kafka_DeleteTopic_destroy_array(&requests, requests.count) }
    let count = requests.count
    let reply = try ask(RD_KAFKA_ADMIN_OP_DELETETOPICS, "deleting topics") { options in
      rd_kafka_DeleteTopics(client.handle, &requests, count, options, queue)
    }
    var size = 0
    let results = rd_kafka_DeleteTopics_result_topics(
      rd_kafka_event_DeleteTopics_result(reply.event), &size)
    return Self.results(results, size, unchanged: RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
  }

  /// Each topic's properties as the broker has them, defaults included.
  public func properties(of topics: [String]) throws(LogError) -> [String: [String: String]] {
    guard !topics.isEmpty else { return [:] }
    var requests: [OpaquePointer?] = topics.map {
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, $0)
    }
    defer { rd_kafka_ConfigResource_destroy_array(&requests, requests.count) }
    let count = requests.count
    let reply = try ask(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, "describing topics") { options in
      rd_kafka_DescribeConfigs(client.handle, &requests, count, options, queue)
    }
    var size = 0
    guard
      let resources = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(reply.event), &size)
    else { return [:] }
    var result: [String: [String: String]] = [:]
    for resource in UnsafeBufferPointer(start: resources, count: size) {
      guard let resource else { continue }
      let name = String(cString: rd_kafka_ConfigResource_name(resource))
      try check(rd_kafka_ConfigResource_error(resource), "describing topic \"\(name)\"")
      result[name] = Self.entries(of: resource)
    }
    return result
  }

  // MARK: Requests and replies

  /// Sends an admin request and waits for its reply.
  func ask(
    _ operation: rd_kafka_admin_op_t, _ detail: String, _ send: (OpaquePointer?) -> Void
  ) throws(LogError) -> AdminReply {
    let options = rd_kafka_AdminOptions_new(client.handle, operation)
    defer { rd_kafka_AdminOptions_destroy(options) }
    var code = RD_KAFKA_RESP_ERR_NO_ERROR
    let message = withErrorText { text, size in
      code = rd_kafka_AdminOptions_set_request_timeout(
        options, timeout.milliseconds, text, size)
    }
    try check(code, message)
    send(options)
    // The request has a timeout of its own; the margin lets that one speak.
    guard let event = rd_kafka_queue_poll(queue, (timeout + .seconds(5)).milliseconds) else {
      throw LogError(RD_KAFKA_RESP_ERR__TIMED_OUT, detail)
    }
    let reply = AdminReply(event: event)
    let failure = rd_kafka_event_error(event)
    if failure != RD_KAFKA_RESP_ERR_NO_ERROR {
      throw LogError(failure, "\(detail): \(String(cString: rd_kafka_event_error_string(event)))")
    }
    return reply
  }

  private static func request(for topic: NewTopic) throws(LogError) -> OpaquePointer {
    var request: OpaquePointer?
    let message = withErrorText { text, size in
      request = rd_kafka_NewTopic_new(
        topic.name, topic.partitions, Int32(topic.replicationFactor), text, size)
    }
    guard let request else {
      throw LogError(
        .configuration, "topic \"\(topic.name)\": \(message)", reaction: .stopDaemon)
    }
    for (name, value) in topic.properties {
      let code = rd_kafka_NewTopic_set_config(request, name, value)
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
        rd_kafka_NewTopic_destroy(request)
        throw LogError(code, "topic \"\(topic.name)\", property \"\(name)\"")
      }
    }
    return request
  }

  private static func results(
    _ topics: UnsafeMutablePointer<OpaquePointer?>?, _ count: Int,
    unchanged: rd_kafka_resp_err_t
  ) -> [String: TopicResult] {
    var results: [String: TopicResult] = [:]
    for topic in UnsafeBufferPointer(start: topics, count: count) {
      guard let topic else { continue }
      let name = String(cString: rd_kafka_topic_result_name(topic))
      let code = rd_kafka_topic_result_error(topic)
      let text = rd_kafka_topic_result_error_string(topic).map { String(cString: $0) } ?? ""
      results[name] =
        switch code {
        case RD_KAFKA_RESP_ERR_NO_ERROR: .done
        case unchanged: .unchanged
        default: .failed(LogError(code, "topic \"\(name)\": \(text)"))
        }
    }
    return results
  }

  private static func entries(of resource: OpaquePointer) -> [String: String] {
    var size = 0
    let entries = rd_kafka_ConfigResource_configs(resource, &size)
    var properties: [String: String] = [:]
    for entry in UnsafeBufferPointer(start: entries, count: size) {
      guard let entry, let value = rd_kafka_ConfigEntry_value(entry) else { continue }
      properties[String(cString: rd_kafka_ConfigEntry_name(entry))] = String(cString: value)
    }
    return properties
  }
}

/// Owns the event an admin request is answered with.
struct AdminReply: ~Copyable {
  let event: OpaquePointer

  deinit { rd_kafka_event_destroy(event) }
}

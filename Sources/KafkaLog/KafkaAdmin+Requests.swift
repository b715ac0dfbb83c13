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

  /// A request's outcome for one topic or group.
  public enum TopicResult: Hashable, Sendable {
    case done
    /// What is to be created existed, or what is to be deleted didn't.
    case unchanged
    case failed(LogError)
  }

  /// Creates topics. Returns a result for each, by name.
  public func create(_ topics: [NewTopic]) throws(LogError) -> [String: TopicResult] {
    guard !topics.isEmpty else { return [:] }
    var requests: [OpaquePointer?] = unsafe []
    defer { unsafe rd_kafka_NewTopic_destroy_array(&requests, requests.count) }
    for topic in topics {
      unsafe requests.append(try Self.request(for: topic))
    }
    let count = unsafe requests.count
    let reply = try unsafe ask(RD_KAFKA_ADMIN_OP_CREATETOPICS, "creating topics") { options in
      unsafe rd_kafka_CreateTopics(client.handle, &requests, count, options, queue)
    }
    var size = 0
    let results = unsafe rd_kafka_CreateTopics_result_topics(
      rd_kafka_event_CreateTopics_result(reply.event), &size)
    return unsafe Self.results(results, size, unchanged: RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
  }

  /// Deletes topics and their records. Returns a result for each, by name.
  public func delete(_ names: [String]) throws(LogError) -> [String: TopicResult] {
    guard !names.isEmpty else { return [:] }
    var requests: [OpaquePointer?] = unsafe names.map { unsafe rd_kafka_DeleteTopic_new($0) }
    defer { unsafe rd_kafka_DeleteTopic_destroy_array(&requests, requests.count) }
    let count = unsafe requests.count
    let reply = try unsafe ask(RD_KAFKA_ADMIN_OP_DELETETOPICS, "deleting topics") { options in
      unsafe rd_kafka_DeleteTopics(client.handle, &requests, count, options, queue)
    }
    var size = 0
    let results = unsafe rd_kafka_DeleteTopics_result_topics(
      rd_kafka_event_DeleteTopics_result(reply.event), &size)
    return unsafe Self.results(results, size, unchanged: RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
  }

  /// A topic's properties at the broker.
  public struct TopicProperties: Hashable, Sendable {
    /// By Kafka's names, including defaults.
    public var values: [String: String] = [:]
    /// Those that are the topic's own. A topic that the broker made by itself has none.
    public var own: Set<String> = []

    public init(_ values: [String: String] = [:], own: Set<String> = []) {
      self.values = values
      self.own = own
    }
  }

  /// Each topic's properties at the broker.
  public func properties(of topics: [String]) throws(LogError) -> [String: TopicProperties] {
    guard !topics.isEmpty else { return [:] }
    var requests: [OpaquePointer?] = unsafe topics.map {
      unsafe rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, $0)
    }
    defer { unsafe rd_kafka_ConfigResource_destroy_array(&requests, requests.count) }
    let count = unsafe requests.count
    let reply = try unsafe ask(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, "describing topics") { options in
      unsafe rd_kafka_DescribeConfigs(client.handle, &requests, count, options, queue)
    }
    var size = 0
    guard
      let resources = unsafe rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(reply.event), &size)
    else { return [:] }
    var result: [String: TopicProperties] = [:]
    for index in 0..<size {
      guard let resource = unsafe resources[index] else { continue }
      let name = unsafe String(cString: rd_kafka_ConfigResource_name(resource))
      try unsafe check(rd_kafka_ConfigResource_error(resource), "describing topic \"\(name)\"")
      result[name] = unsafe Self.entries(of: resource)
    }
    return result
  }

  // MARK: Requests and replies

  /// Sends an admin request and waits for its reply.
  func ask(
    _ operation: rd_kafka_admin_op_t, _ detail: String, _ send: (OpaquePointer?) -> Void
  ) throws(LogError) -> AdminReply {
    let options = unsafe rd_kafka_AdminOptions_new(client.handle, operation)
    defer { unsafe rd_kafka_AdminOptions_destroy(options) }
    var code = RD_KAFKA_RESP_ERR_NO_ERROR
    let message = unsafe withErrorText { text, size in
      code = unsafe rd_kafka_AdminOptions_set_request_timeout(
        options, timeout.milliseconds, text, size)
    }
    try check(code, message)
    unsafe send(options)
    // The margin lets the request's own timeout, whose error says more, come first.
    guard let event = unsafe rd_kafka_queue_poll(queue, (timeout + .seconds(5)).milliseconds) else {
      throw LogError(RD_KAFKA_RESP_ERR__TIMED_OUT, detail)
    }
    let reply = unsafe AdminReply(event: event)
    let failure = unsafe rd_kafka_event_error(event)
    if failure != RD_KAFKA_RESP_ERR_NO_ERROR {
      throw LogError(
        failure, unsafe "\(detail): \(String(cString: rd_kafka_event_error_string(event)))")
    }
    return reply
  }

  private static func request(for topic: NewTopic) throws(LogError) -> OpaquePointer {
    var request: OpaquePointer?
    let message = unsafe withErrorText { text, size in
      unsafe request = rd_kafka_NewTopic_new(
        topic.name, topic.partitions, Int32(topic.replicationFactor), text, size)
    }
    guard let request = unsafe request else {
      throw LogError(
        .configuration, "topic \"\(topic.name)\": \(message)", reaction: .stopDaemon)
    }
    for (name, value) in topic.properties {
      let code = unsafe rd_kafka_NewTopic_set_config(request, name, value)
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
        unsafe rd_kafka_NewTopic_destroy(request)
        throw LogError(code, "topic \"\(topic.name)\", property \"\(name)\"")
      }
    }
    return unsafe request
  }

  private static func results(
    _ topics: UnsafeMutablePointer<OpaquePointer?>?, _ count: Int,
    unchanged: rd_kafka_resp_err_t
  ) -> [String: TopicResult] {
    var results: [String: TopicResult] = [:]
    for index in 0..<count {
      guard let topic = unsafe topics?[index] else { continue }
      let name = unsafe String(cString: rd_kafka_topic_result_name(topic))
      let code = unsafe rd_kafka_topic_result_error(topic)
      let text =
        unsafe rd_kafka_topic_result_error_string(topic).map { unsafe String(cString: $0) } ?? ""
      results[name] =
        switch code {
        case RD_KAFKA_RESP_ERR_NO_ERROR: .done
        case unchanged: .unchanged
        default: .failed(LogError(code, "topic \"\(name)\": \(text)"))
        }
    }
    return results
  }

  private static func entries(of resource: OpaquePointer) -> TopicProperties {
    var size = 0
    let entries = unsafe rd_kafka_ConfigResource_configs(resource, &size)
    var properties = TopicProperties()
    for index in 0..<size {
      guard let entry = unsafe entries?[index],
        let value = unsafe rd_kafka_ConfigEntry_value(entry)
      else { continue }
      let name = unsafe String(cString: rd_kafka_ConfigEntry_name(entry))
      properties.values[name] = unsafe String(cString: value)
      if unsafe rd_kafka_ConfigEntry_source(entry) == RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG {
        properties.own.insert(name)
      }
    }
    return properties
  }
}

/// Owns the event that answers an admin request.
@safe struct AdminReply: ~Copyable {
  let event: OpaquePointer

  deinit { unsafe rd_kafka_event_destroy(event) }
}

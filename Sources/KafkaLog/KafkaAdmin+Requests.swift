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
  ///
  /// - Parameter validatesOnly: whether the broker only says what would come of it.
  public func create(_ topics: [NewTopic], validatesOnly: Bool = false) throws(LogError)
    -> [String: TopicResult]
  {
    guard !topics.isEmpty else { return [:] }
    var requests: [OpaquePointer?] = unsafe []
    defer { unsafe rd_kafka_NewTopic_destroy_array(&requests, requests.count) }
    for topic in topics {
      unsafe requests.append(try Self.request(for: topic))
    }
    let count = unsafe requests.count
    let reply = try unsafe ask(RD_KAFKA_ADMIN_OP_CREATETOPICS, "creating topics") { options in
      if validatesOnly {
        _ = unsafe withErrorText {
          _ = unsafe rd_kafka_AdminOptions_set_validate_only(options, 1, $0, $1)
        }
      }
      unsafe rd_kafka_CreateTopics(client.handle, &requests, count, options, queue)
    }
    var size = 0
    let results = unsafe rd_kafka_CreateTopics_result_topics(
      rd_kafka_event_CreateTopics_result(reply.event), &size)
    return unsafe self.results(
      results, size, needs: "Create", unchanged: RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
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
    return unsafe self.results(
      results, size, needs: "Delete", unchanged: RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
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
    try properties(of: RD_KAFKA_RESOURCE_TOPIC, topics)
  }

  /// A broker's properties. Throws `.denied` for a client that may not see them, which needs the
  /// right only for this.
  public func properties(ofBroker id: Int32) throws(LogError) -> [String: String] {
    try properties(of: RD_KAFKA_RESOURCE_BROKER, ["\(id)"])["\(id)"]?.values ?? [:]
  }

  private func properties(of type: rd_kafka_ResourceType_t, _ names: [String])
    throws(LogError) -> [String: TopicProperties]
  {
    guard !names.isEmpty else { return [:] }
    var requests: [OpaquePointer?] = unsafe names.map {
      unsafe rd_kafka_ConfigResource_new(type, $0)
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
      let code = unsafe rd_kafka_ConfigResource_error(resource)
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
        throw client.access.explain(
          LogError(code, "describing topic \"\(name)\""), code,
          topics: [AccessRight(["DescribeConfigs"], on: .topic(name))])
      }
      result[name] = unsafe Self.entries(of: resource)
    }
    return result
  }

  /// Gives a topic these properties, and takes from it all others of its own. Returns why the
  /// broker refuses them; `nil` if it doesn't.
  public func set(_ properties: [String: String], ofTopic name: String) throws(LogError)
    -> LogError?
  {
    var requests: [OpaquePointer?] = unsafe [
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name)
    ]
    defer { unsafe rd_kafka_ConfigResource_destroy_array(&requests, requests.count) }
    for (name, value) in properties {
      try unsafe check(rd_kafka_ConfigResource_set_config(requests[0], name, value), name)
    }
    let reply = try unsafe ask(RD_KAFKA_ADMIN_OP_ALTERCONFIGS, "setting properties") { options in
      unsafe rd_kafka_AlterConfigs(client.handle, &requests, 1, options, queue)
    }
    var size = 0
    let results = unsafe rd_kafka_AlterConfigs_result_resources(
      rd_kafka_event_AlterConfigs_result(reply.event), &size)
    guard size == 1, let result = unsafe results?[0] else { return nil }
    let code = unsafe rd_kafka_ConfigResource_error(result)
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
    let text =
      unsafe rd_kafka_ConfigResource_error_string(result).map { unsafe String(cString: $0) } ?? ""
    return client.access.explain(
      LogError(code, "topic \"\(name)\": \(text)"), code,
      topics: [AccessRight(["AlterConfigs"], on: .topic(name))])
  }

  // MARK: Requests and replies

  /// Sends an admin request and waits for its reply.
  func ask(
    _ operation: rd_kafka_admin_op_t, _ detail: String, group: String? = nil,
    _ send: (OpaquePointer?) -> Void
  ) throws(LogError) -> AdminReply {
    let options = unsafe rd_kafka_AdminOptions_new(client.handle, operation)
    defer { unsafe rd_kafka_AdminOptions_destroy(options) }
    var code = RD_KAFKA_RESP_ERR_NO_ERROR
    let message = unsafe withErrorText { text, size in
      code = unsafe rd_kafka_AdminOptions_set_request_timeout(
        options, timeout.milliseconds, text, size)
    }
    try check(code, message)
    requestCount += 1
    unsafe rd_kafka_AdminOptions_set_opaque(
      options, UnsafeMutableRawPointer(bitPattern: requestCount))
    unsafe send(options)
    let reply = try unsafe AdminReply(event: awaitReply(detail))
    let failure = unsafe rd_kafka_event_error(reply.event)
    guard failure == RD_KAFKA_RESP_ERR_NO_ERROR else {
      let error = LogError(
        failure, unsafe "\(detail): \(String(cString: rd_kafka_event_error_string(reply.event)))")
      if error.code == .unavailable, client.context.trouble != nil {
        throw client.context.connectionError(failure)
      }
      throw client.access.explain(error, failure, group: group)
    }
    return reply
  }

  /// - Returns: the event that answers, which the caller destroys.
  private func awaitReply(_ detail: String) throws(LogError) -> OpaquePointer {
    // The margin lets the request's own timeout, whose error says more, come first.
    let deadline = ContinuousClock.now + timeout + .seconds(5)
    while ContinuousClock.now < deadline {
      if let event = unsafe rd_kafka_queue_poll(queue, 200) {
        if unsafe UInt(bitPattern: rd_kafka_event_opaque(event)) == requestCount {
          return unsafe event
        }
        // It answers a request that was given up.
        unsafe rd_kafka_event_destroy(event)
      }
      if client.access.settings.isStopping?() == true {
        throw LogError(.unavailable, "\(detail): stopped", reaction: .abandonPartition)
      }
    }
    throw LogError(RD_KAFKA_RESP_ERR__TIMED_OUT, detail)
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

  private func results(
    _ topics: UnsafeMutablePointer<OpaquePointer?>?, _ count: Int, needs operation: String,
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
        default:
          .failed(
            client.access.explain(
              LogError(code, "topic \"\(name)\": \(text)"), code,
              topics: [AccessRight([operation], on: .topic(name))]))
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

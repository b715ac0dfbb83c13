import CRdkafka
public import EventLog

extension KafkaAdmin {
  /// The names of all consumer groups, those without members included.
  public func groups() throws(LogError) -> [String] {
    let reply = try unsafe ask(RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, "listing groups") { options in
      unsafe rd_kafka_ListConsumerGroups(client.handle, options, queue)
    }
    let result = unsafe rd_kafka_event_ListConsumerGroups_result(reply.event)
    var size = 0
    if let errors = unsafe rd_kafka_ListConsumerGroups_result_errors(result, &size), size > 0,
      let error = unsafe errors[0]
    {
      // The result owns this error.
      throw unsafe LogError(rd_kafka_error_code(error), "listing groups")
    }
    let groups = unsafe rd_kafka_ListConsumerGroups_result_valid(result, &size)
    return (0..<size).compactMap { index in
      unsafe groups?[index].map { group in
        unsafe String(cString: rd_kafka_ConsumerGroupListing_group_id(group))
      }
    }
  }

  /// Deletes consumer groups with their offsets; one with members fails. Returns a result for each,
  /// by name.
  public func delete(groups names: [String]) throws(LogError) -> [String: TopicResult] {
    guard !names.isEmpty else { return [:] }
    var requests: [OpaquePointer?] = unsafe names.map { unsafe rd_kafka_DeleteGroup_new($0) }
    defer { unsafe rd_kafka_DeleteGroup_destroy_array(&requests, requests.count) }
    let count = unsafe requests.count
    let reply = try unsafe ask(RD_KAFKA_ADMIN_OP_DELETEGROUPS, "deleting groups") { options in
      unsafe rd_kafka_DeleteGroups(client.handle, &requests, count, options, queue)
    }
    var size = 0
    let groups = unsafe rd_kafka_DeleteGroups_result_groups(
      rd_kafka_event_DeleteGroups_result(reply.event), &size)
    var results: [String: TopicResult] = [:]
    for index in 0..<size {
      guard let group = unsafe groups?[index] else { continue }
      let name = unsafe String(cString: rd_kafka_group_result_name(group))
      // The group's result owns this error.
      let code = unsafe rd_kafka_group_result_error(group).map { unsafe rd_kafka_error_code($0) }
      results[name] =
        switch code {
        case nil, RD_KAFKA_RESP_ERR_NO_ERROR: .done
        case RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND: .unchanged
        case .some(let code): .failed(LogError(code, "group \"\(name)\""))
        }
    }
    return results
  }
}

import CRdkafka
public import EventLog

extension KafkaAdmin {
  /// A member of a consumer group.
  public struct GroupMember: Hashable, Sendable {
    public var clientID: String
    /// Where it is, as the broker sees it.
    public var host: String
    public var partitions: Set<TopicPartition>

    public init(
      clientID: String, host: String = "", partitions: Set<TopicPartition> = []
    ) {
      self.clientID = clientID
      self.host = host
      self.partitions = partitions
    }
  }

  /// A stable group's members and their partitions. `nil` for any other group: while a group
  /// rebalances, the broker lists its members without their partitions.
  public func members(of group: String) throws(LogError) -> [GroupMember]? {
    let (members, isStable) = try describe(group)
    return isStable ? members : nil
  }

  /// A group's members, whatever it is doing; their partitions only if it is stable.
  public func everyMember(of group: String) throws(LogError) -> [GroupMember] {
    try describe(group).members
  }

  /// The client ids of a group's members, whatever it is doing.
  public func clientIDs(inGroup group: String) throws(LogError) -> [String] {
    try everyMember(of: group).map(\.clientID).sorted()
  }

  /// A group's committed offsets; partitions without one are absent.
  public func committed(group: String, of partitions: [TopicPartition]) throws(LogError)
    -> [TopicPartition: Int64]
  {
    try client(ofGroup: group).committed(partitions)
  }

  /// A group's committed offsets and who committed them; partitions without one are absent. Does
  /// not wait for offsets in an open transaction.
  public func commits(group: String, of partitions: [TopicPartition]) throws(LogError)
    -> [TopicPartition: GroupOffset]
  {
    try client(ofGroup: group).commits(of: partitions)
  }

  /// Sets a group's offsets from outside.
  ///
  /// - Throws: `.fenced` while the group has members.
  public func commit(_ offsets: [TopicPartition: Int64], group: String, stamp: OffsetStamp)
    throws(LogError)
  {
    try client(ofGroup: group).commit(PartitionList(offsets, stamp: stamp), wait: true)
  }

  /// A client of the group, made at the first question about its offsets.
  private func client(ofGroup group: String) throws(LogError) -> KafkaConsumer {
    if let known = groupClients[group] { return known }
    let made = try KafkaConsumer.bystander(
      ofGroup: group, settings: client.access.settings, logger: client.context.logger)
    groupClients[group] = made
    return made
  }

  /// What the broker says to offsets set from outside: of the group, and of each partition.
  typealias OffsetAnswer = (
    code: rd_kafka_resp_err_t, partitions: [(topic: String, code: rd_kafka_resp_err_t)]
  )

  func alter(_ offsets: borrowing PartitionList, group: String, _ action: String)
    throws(LogError) -> OffsetAnswer
  {
    var requests: [OpaquePointer?] = unsafe [
      rd_kafka_AlterConsumerGroupOffsets_new(group, offsets.list)
    ]
    defer { unsafe rd_kafka_AlterConsumerGroupOffsets_destroy_array(&requests, requests.count) }
    let reply = try unsafe ask(
      RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, action, group: group
    ) { options in
      unsafe rd_kafka_AlterConsumerGroupOffsets(client.handle, &requests, 1, options, queue)
    }
    var size = 0
    guard
      let groups = unsafe rd_kafka_AlterConsumerGroupOffsets_result_groups(
        rd_kafka_event_AlterConsumerGroupOffsets_result(reply.event), &size), size == 1,
      let answer = unsafe groups[0]
    else { return (RD_KAFKA_RESP_ERR_NO_ERROR, []) }
    // The group result owns its error and its partitions.
    let code = unsafe rd_kafka_group_result_error(answer).map { unsafe rd_kafka_error_code($0) }
    guard let results = unsafe rd_kafka_group_result_partitions(answer) else {
      return (code ?? RD_KAFKA_RESP_ERR_NO_ERROR, [])
    }
    let partitions = unsafe (0..<Int(results.pointee.cnt)).map { index in
      let element = unsafe results.pointee.elems[index]
      return unsafe (String(cString: element.topic), element.err)
    }
    return (code ?? RD_KAFKA_RESP_ERR_NO_ERROR, partitions)
  }
}

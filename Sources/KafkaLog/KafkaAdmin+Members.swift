import CRdkafka
public import EventLog

extension KafkaAdmin {
  /// A group's members, and whether the group is stable.
  ///
  /// `rd_kafka_DescribeConsumerGroups` would tell more, and ends the process if the connection to
  /// the coordinator breaks at the wrong moment (Mends.md). This older call leaves out a group that
  /// the client may not describe.
  public func describe(_ group: String) throws(LogError)
    -> (members: [GroupMember], isStable: Bool)
  {
    let deadline = ContinuousClock.now + timeout
    var patience = min(timeout, .seconds(1))
    var attemptsLeft = 3
    while true {
      do throws(LogError) { return try describe(group, within: patience) } catch {
        let isStopping = client.access.settings.isStopping?() == true
        patience = min(patience * 2, deadline - .now)
        guard error.code == .unavailable, attemptsLeft > 0, patience > .zero, !isStopping else {
          throw error
        }
        attemptsLeft -= 1
      }
    }
  }

  /// Asks every broker, and waits for all: one that answers nothing is not waited for if another
  /// has the group, and one that closes the connection takes the others' answers with it.
  private func describe(_ group: String, within patience: Duration) throws(LogError)
    -> (members: [GroupMember], isStable: Bool)
  {
    var list: UnsafePointer<rd_kafka_group_list>?
    let code = unsafe rd_kafka_list_groups(client.handle, group, &list, patience.milliseconds)
    defer { if let list = unsafe list { unsafe rd_kafka_group_list_destroy(list) } }
    guard let found = unsafe list?.pointee, unsafe found.group_cnt == 1 else {
      // Two brokers have it while its coordinator moves.
      let isAbsent = unsafe list.map { unsafe $0.pointee.group_cnt == 0 } ?? true
      if code == RD_KAFKA_RESP_ERR_NO_ERROR, isAbsent { return ([], false) }
      let error = LogError(
        isAbsent && code != RD_KAFKA_RESP_ERR__PARTIAL ? code : RD_KAFKA_RESP_ERR__TIMED_OUT,
        "describing group \"\(group)\"")
      if error.code == .unavailable, client.context.trouble != nil {
        throw client.context.connectionError(code)
      }
      throw client.access.explain(error, code, group: group)
    }
    let info = unsafe found.groups[0]
    let failure = unsafe info.err
    guard failure == RD_KAFKA_RESP_ERR_NO_ERROR else {
      throw client.access.explain(
        LogError(failure, "describing group \"\(group)\""), failure, group: group)
    }
    let members = unsafe (0..<Int(info.member_cnt)).map { unsafe Self.member(info.members[$0]) }
    return (members, unsafe Self.text(info.state) == "Stable")
  }

  private static func member(_ info: rd_kafka_group_member_info) -> GroupMember {
    let assignment = unsafe UnsafeRawBufferPointer(
      start: info.member_assignment, count: Int(info.member_assignment_size))
    return unsafe GroupMember(
      clientID: text(info.client_id) ?? "", host: text(info.client_host) ?? "",
      partitions: MemberAssignment(assignment.bytes).partitions)
  }

  private static func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String? {
    unsafe pointer.map { unsafe String(cString: $0) }
  }
}

/// What a consumer group has assigned to a member, as consumers encode it: a version, then for each
/// topic its name and partitions (Kafka's `ConsumerProtocolAssignment`, big-endian).
struct MemberAssignment {
  private(set) var partitions: Set<TopicPartition> = []

  /// Takes what can be read: a stranger may write something else.
  init(_ bytes: RawSpan) {
    var offset = 2
    func integer<Value: FixedWidthInteger & BitwiseCopyable>(as type: Value.Type) -> Value? {
      guard offset + MemoryLayout<Value>.size <= bytes.byteCount else { return nil }
      defer { offset += MemoryLayout<Value>.size }
      return unsafe Value(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: type))
    }
    guard let topics = integer(as: Int32.self) else { return }
    for _ in 0..<max(0, topics) {
      guard let length = integer(as: Int16.self).map(Int.init), length >= 0,
        offset + length <= bytes.byteCount
      else { return }
      let topic = unsafe bytes.extracting(offset..<offset + length).withUnsafeBytes {
        unsafe String(decoding: $0, as: UTF8.self)
      }
      offset += length
      guard let count = integer(as: Int32.self) else { return }
      for _ in 0..<max(0, count) {
        guard let partition = integer(as: Int32.self) else { return }
        partitions.insert(TopicPartition(topic, partition))
      }
    }
  }
}

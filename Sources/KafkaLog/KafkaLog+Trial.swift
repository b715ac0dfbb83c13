import CRdkafka
public import EventLog

extension KafkaLog {
  /// Begins a transaction that would write these topics, and aborts it before a record is sent: of
  /// each topic's first partition only the abort's marker is left.
  ///
  /// - Parameters:
  ///   - id: a transactional id that nobody else uses.
  ///   - topics: those that exist.
  ///   - patience: how long transactions may take to start.
  /// - Returns: the topics that this client may not write.
  /// - Throws: what keeps transactions from starting.
  public func tryTransaction(id: String, topics: [String], patience: Duration) throws(LogError)
    -> Set<String>
  {
    var properties = settings.producerProperties(clientID: id, transactionalID: id)
    // Records wait in the client until the abort throws them away. Their own timeout is that of the
    // transaction, and must be longer.
    let linger = min(.seconds(4), settings.transactionTimeout / 2)
    properties += [("linger.ms", linger.millisecondsText), ("debug", "eos")]
    let producer = try RdkafkaProducer(
      topics: topics, properties: properties, settings: settings, logger: quietLogger)
    defer { producer.close() }
    try producer.initTransactions(timeout: patience)
    try producer.beginTransaction()
    let key = Array("check".utf8)
    let context = producer.client.context
    do throws(LogError) {
      for index in topics.indices {
        try unsafe producer.send(
          topic: index, partition: 0, key: key.span.bytes, value: nil, headers: [],
          timestamp: nil, tracked: false)
      }
    } catch {
      // The first topic that is refused fails the others.
      guard error.code == .denied || error.code == .transactionAborted else { throw error }
    }
    let deadline = ContinuousClock.now + linger * 3 / 4
    while ContinuousClock.now < deadline {
      let known = context.registeredTopics.union(context.unwritableTopics)
      guard !known.isSuperset(of: topics), context.unwritableTopics.isEmpty else { break }
      unsafe rd_kafka_poll(producer.client.handle, 10)
    }
    let unwritable = context.unwritableTopics
    do throws(LogError) {
      try producer.abortTransaction(deadline: .now + .seconds(5))
    } catch {
      // If a topic is refused, none is added, and the broker knows no transaction to abort.
      guard !unwritable.isEmpty else { throw error }
    }
    return unwritable
  }
}

extension KafkaAdmin {
  /// Tries to commit offsets of partitions that don't exist: the broker refuses them, but first it
  /// says whether this client may do so. Nothing is changed.
  ///
  /// - Returns: the topics that this client may not read.
  /// - Throws: what keeps it from being a member of the group.
  public func tryCommit(group: String, of topics: [String]) throws(LogError) -> Set<String> {
    guard !topics.isEmpty else { return [] }
    let nowhere = Dictionary(
      uniqueKeysWithValues: topics.map { (TopicPartition($0, .max - 1), Int64(0)) })
    let deadline = ContinuousClock.now + timeout
    var answer: OffsetAnswer
    var refusals: [rd_kafka_resp_err_t]
    repeat {
      answer = try alter(PartitionList(nowhere), group: group, "trying the group \"\(group)\"")
      refusals = [answer.code] + answer.partitions.map(\.code)
      guard refusals.contains(where: isCoordinatorChanging) else { break }
      unsafe rd_kafka_poll(client.handle, coordinatorPause.milliseconds)
    } while ContinuousClock.now < deadline
    // A group with members takes no offsets from others: it is there, and may be used.
    if answer.code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID { return [] }
    let isDenied = refusals.contains(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
    let code = isDenied ? RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED : answer.code
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      throw client.access.explain(LogError(code, "group \"\(group)\""), code, group: group)
    }
    let refused = answer.partitions.filter {
      $0.code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
    }
    return Set(refused.map(\.topic))
  }
}

/// Writes records to a log. Belongs to one thread.
public protocol LogProducer: AnyObject {
  associatedtype Consumer: LogConsumer

  /// The index for `send` of a topic that was not declared, such as a reply topic named by a
  /// request, and its number of partitions. Asks the log the first time.
  ///
  /// - Throws: `.unknownTopic` if there is no such topic.
  func topic(named name: String) throws(LogError) -> (index: Int, partitions: Int32)

  /// Queues one record, copying its bytes. Waits while the queue is full.
  ///
  /// - Parameters:
  ///   - topic: index into `ProducerConfiguration.topics`.
  ///   - partition: `nil` chooses by key like Kafka's default partitioner (murmur2), and at random
  ///     for a null key.
  ///   - timestamp: milliseconds since 1970; `nil` is now.
  ///   - tracked: whether `deliveredOffset` counts this record.
  /// - Throws: `.denied` for a topic that was not declared and has refused an earlier record.
  func send(
    topic: Int, partition: Int32?, key: RawSpan?, value: RawSpan?, headers: [RecordHeader],
    timestamp: Int64?, tracked: Bool
  ) throws(LogError)

  /// Waits until everything queued is acknowledged. Throws if anything failed.
  func flush(timeout: Duration) throws(LogError)

  /// The offset of a partition's newest `tracked` record. Up to date after `flush` or
  /// `commitTransaction`.
  func deliveredOffset(topic: Int, partition: Int32) -> Int64?

  /// Opens a transaction, to which everything sent from here on belongs.
  func beginTransaction() throws(LogError)

  /// Makes the records of the open transaction visible together with the consumer's new offsets.
  ///
  /// The consumer group's metadata fences the offsets: a member that the group has replaced can't
  /// commit. After an error with `Reaction.abortBatch` the transaction is open for
  /// `abortTransaction`.
  func commitTransaction(offsets: [TopicPartition: Int64], of consumer: Consumer, timeout: Duration)
    throws(LogError)

  /// Aborts the open transaction.
  func abortTransaction(timeout: Duration) throws(LogError)

  /// Frees what the producer holds. Records not flushed are lost.
  func close()
}

extension LogProducer {
  /// `send` with no headers, timestamped now, not tracked.
  @inlinable
  public func send(topic: Int, partition: Int32? = nil, key: RawSpan?, value: RawSpan?)
    throws(LogError)
  {
    try send(
      topic: topic, partition: partition, key: key, value: value, headers: [], timestamp: nil,
      tracked: false)
  }
}

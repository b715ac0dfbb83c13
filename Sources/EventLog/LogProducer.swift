/// Writes records to a log. Belongs to one thread.
public protocol LogProducer: AnyObject {
  associatedtype Consumer: LogConsumer

  /// The index under which `send` knows a topic that was not declared, and its partitions: reply
  /// topics are named by requests. Asks the log the first time.
  ///
  /// - Throws: `.unknownTopic` when there is no such topic.
  func topic(named name: String) throws(LogError) -> (index: Int, partitions: Int32)

  /// Queues one record; its bytes are copied. Waits while the queue is full.
  ///
  /// - Parameters:
  ///   - topic: index into `ProducerConfiguration.topics`.
  ///   - partition: `nil` chooses by key as Kafka's default partitioner does (murmur2), at random
  ///     for a null key.
  ///   - timestamp: milliseconds since 1970; `nil` is now.
  ///   - tracked: whether `deliveredOffset` shall know this record.
  func send(
    topic: Int, partition: Int32?, key: RawSpan?, value: RawSpan?, headers: [RecordHeader],
    timestamp: Int64?, tracked: Bool
  ) throws(LogError)

  /// Waits until everything queued is acknowledged, and throws if anything was not.
  func flush(timeout: Duration) throws(LogError)

  /// The offset at which the newest `tracked` record of a partition was stored; known after
  /// `flush` or `commitTransaction`.
  func deliveredOffset(topic: Int, partition: Int32) -> Int64?

  /// Opens a transaction: all that is sent from here on belongs to it.
  func beginTransaction() throws(LogError)

  /// Makes the records of the open transaction visible together with the consumer's new offsets.
  ///
  /// The offsets are fenced by the consumer group's metadata: a member the group has moved on from
  /// can't commit. A thrown error with `Reaction.abortBatch` leaves the transaction open for
  /// `abortTransaction`.
  func commitTransaction(offsets: [TopicPartition: Int64], of consumer: Consumer, timeout: Duration)
    throws(LogError)

  /// Throws the open transaction away.
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

import CRdkafka
import EventLog

/// Collects messages that follow each other in one partition, to hand them out as a run.
@safe struct RunCollector: ~Copyable {
  /// So few that a run's messages are still in the processor's cache when they are freed.
  private static let capacity = 128

  private let places: UnsafeMutablePointer<RecordRun.Place> = .allocate(capacity: Self.capacity)
  private(set) var count = 0
  private var handle: OpaquePointer?
  private var topic = 0
  private var partition: Int32 = 0

  deinit { unsafe places.deallocate() }

  /// Whether the message can be appended to what has been collected.
  func takes(_ message: UnsafeMutablePointer<rd_kafka_message_t>) -> Bool {
    if count == 0 { return true }
    return unsafe count < Self.capacity && message.pointee.partition == partition
      && message.pointee.rkt == handle
  }

  /// - Parameter topic: the index that consumers know the message's topic by.
  mutating func append(_ message: UnsafeMutablePointer<rd_kafka_message_t>, topic: Int) {
    if count == 0 {
      unsafe handle = message.pointee.rkt
      partition = unsafe message.pointee.partition
      self.topic = topic
    }
    unsafe (places + count).initialize(
      to: RecordRun.Place(
        offset: message.pointee.offset, timestamp: rd_kafka_message_timestamp(message, nil),
        key: Self.memory(message.pointee.key, message.pointee.key_len),
        value: Self.memory(message.pointee.payload, message.pointee.len),
        record: UnsafeRawPointer(message)))
    count += 1
  }

  /// The key or value of a message; null is `nil`.
  private static func memory(_ start: UnsafeMutableRawPointer?, _ count: Int)
    -> UnsafeRawBufferPointer?
  {
    guard let start = unsafe start else { return nil }
    return unsafe UnsafeRawBufferPointer(start: start, count: count)
  }

  /// Hands out what has been collected, and forgets it. Returns what `body` does.
  mutating func hand(to body: (borrowing RecordRun) -> Bool) -> Bool {
    defer { count = 0 }
    return unsafe body(
      RecordRun(
        topic: topic, partition: partition,
        places: Span(_unsafeStart: UnsafePointer(places), count: count), copyHeaders: copyHeaders))
  }
}

import EventLog
import Foundation
package import KafkaLog
import Pipeline
package import Streams

/// A reply and where it lies.
package struct PlacedReply {
  package let value: [UInt8]
  package let partition: Int32
  package let offset: Int64
}

/// Asks for recommendations over the topics, as any client of the daemon does. Belongs to one
/// thread.
package final class RequestClient {
  private let consumer: KafkaConsumer
  private let producer: KafkaProducer
  /// Where replies come.
  private let replies: String

  /// Positions itself at the end of `recommendations` first, so that no reply is missed.
  package init(_ log: KafkaLog, _ topology: Topology, clientID: String) throws {
    let replies = topology[.recommendations]
    self.replies = replies
    consumer = try log.makeConsumer(
      ConsumerConfiguration(
        topics: [replies], group: nil, clientID: clientID, readCommitted: false))
    producer = try log.makeProducer(
      ProducerConfiguration(
        topics: [topology[.requests]], delivery: .idempotent, clientID: clientID))
    let count = try consumer.partitionCount(of: replies)
    var starts: [(partition: TopicPartition, offset: StartOffset)] = []
    for partition in (0..<count).map({ TopicPartition(replies, $0) }) {
      starts.append((partition, .at(try consumer.offsets(of: partition).upperBound)))
    }
    try consumer.assign(starts)
  }

  package func close() {
    consumer.close()
    producer.close()
  }

  /// Sends one request and waits for the reply with its correlation id.
  ///
  /// - Returns: `nil` if none arrives in time.
  package func ask(key: String, value: [UInt8], timeout: Duration) throws -> PlacedReply? {
    let id = withUnsafeBytes(of: UUID().uuid) { [UInt8]($0) }
    let headers = [
      RecordHeader(RequestHeaders.correlationID, id),
      RecordHeader(RequestHeaders.replyTopic, text: replies),
    ]
    let keyBytes = Array(key.utf8)
    try producer.send(
      topic: 0, partition: nil, key: keyBytes.span.bytes, value: value.span.bytes,
      headers: headers, timestamp: nil, tracked: false)
    try producer.flush(timeout: timeout)
    let deadline = ContinuousClock.now + timeout
    var reply: PlacedReply?
    while reply == nil, ContinuousClock.now < deadline {
      _ = try consumer.poll(maxRecords: 100, timeout: .milliseconds(100)) { record in
        guard record.copyHeaders().contains(headers[0]) else { return true }
        reply = PlacedReply(
          value: record.value?.withUnsafeBytes { [UInt8]($0) } ?? [],
          partition: record.partition, offset: record.offset)
        return true
      }
    }
    return reply
  }
}

import EventLog
import Foundation
package import KafkaLog
import Pipeline

/// Asks for recommendations over the pair of topics, as a client of the daemon does. Belongs to one
/// thread.
package final class RequestClient {
  private let consumer: KafkaConsumer
  private let producer: KafkaProducer

  /// Stands at the end of `recommendations` when this returns, so that no reply is missed.
  package init(_ log: KafkaLog, clientID: String) throws {
    consumer = try log.makeConsumer(
      ConsumerConfiguration(
        topics: [Topics.recommendations], group: nil, clientID: clientID, readCommitted: false))
    producer = try log.makeProducer(
      ProducerConfiguration(topics: [Topics.requests], delivery: .idempotent, clientID: clientID))
    let count = try consumer.partitionCount(of: Topics.recommendations)
    var starts: [(partition: TopicPartition, offset: StartOffset)] = []
    for partition in (0..<count).map({ TopicPartition(Topics.recommendations, $0) }) {
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
  /// - Returns: the reply's value; `nil` when none came in time.
  package func ask(key: String, value: [UInt8], timeout: Duration) throws -> [UInt8]? {
    let id = withUnsafeBytes(of: UUID().uuid) { [UInt8]($0) }
    let headers = [
      RecordHeader("kafka_correlationId", id),
      RecordHeader("kafka_replyTopic", text: Topics.recommendations),
    ]
    let keyBytes = Array(key.utf8)
    try producer.send(
      topic: 0, partition: nil, key: keyBytes.span.bytes, value: value.span.bytes,
      headers: headers, timestamp: nil, tracked: false)
    try producer.flush(timeout: timeout)
    let deadline = ContinuousClock.now + timeout
    var reply: [UInt8]?
    while reply == nil, ContinuousClock.now < deadline {
      _ = try consumer.poll(maxRecords: 100, timeout: .milliseconds(100)) { record in
        guard record.copyHeaders().contains(headers[0]) else { return true }
        reply = record.value?.withUnsafeBytes { [UInt8]($0) } ?? []
        return true
      }
    }
    return reply
  }
}

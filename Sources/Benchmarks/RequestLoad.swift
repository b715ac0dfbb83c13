import Configuration
import Console
import EventLog
import KafkaLog
import Pipeline
import SampleData
import Streams

/// Asks for recommendations, all on one thread: clients that each wait for a reply before they ask
/// again, or requests at an even rate that wait for nothing. Replies come in on one consumer.
/// Belongs to one thread.
final class RequestLoad {
  struct Result {
    var latencies = LatencyHistogram()
    /// Replies that say what is wrong with the request.
    var errors = 0
    var unanswered = 0
    var took = Duration.zero

    var replies: Int { latencies.count + errors }
  }

  private struct Client {
    /// What the reply in wait is known by.
    var request: UInt64
    var sent: ContinuousClock.Instant
  }

  /// As of Spring's clients.
  private static let timeout = Duration.seconds(5)
  private let consumer: KafkaConsumer
  private let producer: KafkaProducer
  private let users: [Int64]
  private let count: Int
  /// Where replies come.
  private let replies: String
  private var random = SystemRandomNumberGenerator()
  private var requests: UInt64 = 0

  /// Stands at the end of the replies when this returns.
  ///
  /// - Parameters:
  ///   - users: to ask for; at least one.
  ///   - count: movies asked for in a request.
  init(_ bed: BenchBed, users: [Int64], count: Int) throws {
    self.users = users
    self.count = count
    let topology = bed.settings.topology
    replies = topology[.recommendations]
    consumer = try bed.log.makeConsumer(
      ConsumerConfiguration(
        topics: [topology[.recommendations]], group: nil, clientID: "projectionist-bench",
        readCommitted: false))
    producer = try bed.log.makeProducer(
      ProducerConfiguration(
        topics: [topology[.requests]], delivery: .idempotent, clientID: "projectionist-bench"))
    let partitions = bed.topics.partitions(of: [topology[.recommendations]])
    let offsets = try bed.admin.offsets(of: partitions)
    try consumer.assign(partitions.map { ($0, .at(offsets[$0]?.upperBound ?? 0)) })
  }

  func close() {
    consumer.close()
    producer.close()
  }

  /// Runs so many clients for a while. A request sent before the end counts when it is answered.
  ///
  /// - Parameter label: what is under way, for the progress bar.
  func run(
    clients number: Int, for duration: Duration, label: String, check: () throws -> Void
  ) throws -> Result {
    var result = Result()
    var progress = ProgressBar(label, unit: "replies", goal: .time(duration))
    let start = ContinuousClock.now
    let end = start + duration
    var clients: [Client] = []
    for index in 0..<number { clients.append(try ask(as: index)) }
    var waiting = number
    while waiting > 0 {
      var answered: [Int] = []
      _ = try consumer.poll(maxRecords: 10_000, timeout: .milliseconds(20)) { record in
        let headers = record.copyHeaders()
        // Others' replies come here as well, with identifiers of their own kind.
        guard let bytes = headers.first(where: { $0.name == RequestHeaders.correlationID })?.value,
          let identifier = RequestIdentifier(bytes), clients.indices.contains(identifier.client),
          clients[identifier.client].request == identifier.request
        else { return true }
        let index = identifier.client
        clients[index].request = 0
        answered.append(index)
        if headers.contains(where: { $0.name == RequestHeaders.errorCode }) {
          result.errors += 1
        } else {
          result.latencies.record(.now - clients[index].sent)
        }
        return true
      }
      let now = ContinuousClock.now
      for index in clients.indices
      where clients[index].request != 0 && now - clients[index].sent > Self.timeout {
        clients[index].request = 0
        result.unanswered += 1
        answered.append(index)
      }
      for index in answered {
        if now < end { clients[index] = try ask(as: index) } else { waiting -= 1 }
      }
      progress.refresh(result.replies)
      try check()
    }
    result.took = .now - start
    progress.close(result.replies)
    return result
  }

  /// Sends requests evenly for a while, whether the ones before are answered or not. A latency is
  /// counted from when its request was due, so that a stall shows in all that it delays.
  ///
  /// - Parameter label: what is under way, for the progress bar.
  func run(
    perSecond rate: Double, for duration: Duration, label: String, check: () throws -> Void
  ) throws -> Result {
    var result = Result()
    var progress = ProgressBar(label, unit: "replies", goal: .time(duration))
    let pacing = Pacing(perSecond: rate)
    let start = ContinuousClock.now
    let total = pacing.due(after: duration)
    let first = requests + 1
    var sent = 0
    var answered = 0
    var isAnswered = Array(repeating: false, count: total)
    while answered < total {
      let due = min(pacing.due(after: .now - start), total)
      while sent < due {
        _ = try ask(as: 0)
        sent += 1
      }
      _ = try consumer.poll(maxRecords: 10_000, timeout: .milliseconds(1)) { record in
        let headers = record.copyHeaders()
        guard let bytes = headers.first(where: { $0.name == RequestHeaders.correlationID })?.value,
          let identifier = RequestIdentifier(bytes), identifier.request >= first,
          identifier.request < first + UInt64(total)
        else { return true }
        let number = Int(identifier.request - first)
        guard !isAnswered[number] else { return true }
        isAnswered[number] = true
        answered += 1
        if headers.contains(where: { $0.name == RequestHeaders.errorCode }) {
          result.errors += 1
        } else {
          result.latencies.record(.now - start - pacing.time(of: number))
        }
        return true
      }
      progress.refresh(result.replies)
      try check()
      if .now - start > duration + Self.timeout { break }
    }
    result.unanswered = total - answered
    result.took = .now - start
    progress.close(result.replies)
    return result
  }

  private func ask(as client: Int) throws -> Client {
    requests += 1
    let user = users[Int.random(in: users.indices, using: &random)]
    let key = Array("\(user)".utf8)
    let value = Array(#"{"user_id":\#(user),"num_recommendations":\#(count)}"#.utf8)
    let sent = ContinuousClock.now
    try producer.send(
      topic: 0, partition: nil, key: key.span.bytes, value: value.span.bytes,
      headers: [
        RecordHeader(
          RequestHeaders.correlationID,
          RequestIdentifier(client: client, request: requests).bytes),
        RecordHeader(RequestHeaders.replyTopic, text: replies),
      ], timestamp: nil, tracked: false)
    return Client(request: requests, sent: sent)
  }
}

/// A request's correlation id: sixteen bytes, the client's number and the request's, big-endian.
struct RequestIdentifier: Hashable, Sendable {
  var client: Int
  /// Above 0.
  var request: UInt64

  init(client: Int, request: UInt64) {
    self.client = client
    self.request = request
  }

  /// - Returns: `nil` for bytes that can't be one of ours.
  init?(_ bytes: [UInt8]) {
    func number(_ slice: ArraySlice<UInt8>) -> UInt64 { slice.reduce(0) { $0 << 8 | UInt64($1) } }
    guard bytes.count == 16, let client = Int(exactly: number(bytes[..<8])) else { return nil }
    self.client = client
    request = number(bytes[8...])
    if request == 0 { return nil }
  }

  var bytes: [UInt8] {
    withUnsafeBytes(of: UInt64(client).bigEndian) { Array($0) }
      + withUnsafeBytes(of: request.bigEndian) { Array($0) }
  }
}

import EventLog
import Foundation
import KafkaLog
import Operations
import Pipeline
import Ratings
import Streams
import Synchronization

/// Rates movies all the time for users of the demo's own, and measures how long it takes until each
/// rating shows in `user-features`.
///
/// An event's time is the time it is produced, and features carry the time of the last event in
/// them: their difference to the time of day when they arrive is the freshness.
final class FreshnessProbe: Sendable {
  /// Beyond any id of a data set, within what intake takes.
  private static let users: ClosedRange<Int64> = 9_000_000_001...9_000_000_008
  private static let interval = Duration.milliseconds(125)
  private static let window = Duration.seconds(30)

  private let latencies = Mutex(LatencyWindow(span: window))
  private let stop = StopSignal()
  private let finished = DispatchSemaphore(value: 0)

  /// Starts measuring on a thread of its own.
  ///
  /// - Parameter movies: to rate; not empty.
  init(_ log: KafkaLog, _ topology: Topology, movies: [ReplyRecord.Movie]) {
    precondition(!movies.isEmpty)
    let thread = Thread { [self] in
      while !stop.isStopped {
        // Without a broker there is nothing to measure; the daemon's log tells about that.
        do { try measure(log, topology, movies: movies) } catch {
          Thread.sleep(forTimeInterval: 0.5)
        }
      }
      finished.signal()
    }
    thread.name = "freshness"
    thread.start()
  }

  /// Ends the thread and waits for it.
  func close() {
    stop.stop()
    finished.wait()
  }

  /// Of the last 30 seconds, in milliseconds; `nil` without a measurement.
  var freshness: Dashboard.Freshness? {
    latencies.withLock { $0.quantiles([0.5, 0.99], at: .now) }
      .map { Dashboard.Freshness(p50: $0[0], p99: $0[1]) }
  }

  private func measure(_ log: KafkaLog, _ topology: Topology, movies: [ReplyRecord.Movie]) throws {
    let topic = topology[.userFeatures]
    let clientID = "projectionist-demo-freshness"
    let consumer = try log.makeConsumer(
      ConsumerConfiguration(
        topics: [topic], group: nil, clientID: clientID,
        fetchWait: .milliseconds(100)))
    defer { consumer.close() }
    let partitions = try consumer.partitionCount(of: topic)
    try consumer.assign((0..<partitions).map { (TopicPartition(topic, $0), .end) })
    let producer = try RatingProducer(log, topology, clientID: clientID)
    defer { producer.close() }

    var parser = UserFeaturesParser()
    var next = ContinuousClock.now
    var count = 0
    while !stop.isStopped {
      if ContinuousClock.now >= next {
        let movie = movies[count / Self.users.count % movies.count]
        let user = Self.users.lowerBound + Int64(count % Self.users.count)
        try producer.rate(user: user, movie: movie.movieID, rating: Self.stars(near: movie.score))
        count += 1
        next += Self.interval
      }
      _ = try consumer.poll(
        maxRecords: 10_000, timeout: max(next - .now, .milliseconds(1))
      ) { record in
        note(record, &parser)
        return true
      }
    }
  }

  private func note(_ record: borrowing RecordView, _ parser: inout UserFeaturesParser) {
    guard let value = record.value, let features = try? parser.parse(value),
      Self.users.contains(features.user)
    else { return }
    let milliseconds = Date().timeIntervalSince1970 * 1000 - Double(features.eventTimeMilliseconds)
    latencies.withLock { $0.record(max(milliseconds, 0), at: .now) }
  }

  /// The half-star rating next to a movie's own score: it moves the catalog's scores least.
  private static func stars(near score: Double) -> HalfStars? {
    HalfStars(rawValue: UInt8(min(max((score * 2).rounded(), 1), 10)))
  }
}

import Configuration
import Console
import EventLog
import Foundation
import KafkaLog
import Pipeline
import RedisProjection
import Wiring

/// Sees features arrive on `user-features`, as a read_committed consumer does. Belongs to one
/// thread.
final class FeatureArrivals {
  /// How long after the last event its features may take.
  private static let drainDeadline = Duration.seconds(20)
  private let consumer: KafkaConsumer
  private let stream: FreshnessStream

  /// Stands at the topic's end when this returns.
  init(_ bed: BenchBed, _ stream: FreshnessStream) throws {
    self.stream = stream
    consumer = try bed.makeFeatureReader()
  }

  func close() { consumer.close() }

  /// Reads until all events have arrived.
  ///
  /// - Parameter check: called now and then; ends the measurement by throwing.
  func measure(check: () throws -> Void) throws -> LatencyHistogram {
    var latencies = LatencyHistogram()
    var progress = ProgressBar("latency", unit: "events", goal: .count(stream.count))
    var arrived = 0
    var end: ContinuousClock.Instant?
    while true {
      _ = try consumer.poll(maxRecords: 10_000, timeout: .milliseconds(50)) { record in
        guard let key = record.key, let user = DecimalText.parse(key) else { return true }
        stream.arrive(user: user, timestamp: record.timestamp, at: .now) { latencies.record($0) }
        arrived += 1
        return true
      }
      progress.refresh(arrived)
      try check()
      guard stream.hasProducedAll else { continue }
      let deadline = end ?? .now + Self.drainDeadline
      end = deadline
      if stream.outstanding == 0 || ContinuousClock.now > deadline { break }
    }
    progress.finish(arrived)
    return latencies
  }
}

/// Sees features arrive in Redis: follows one event at a time, by its time in its user's row. Event
/// time only rises here, so a row that has reached the event's time contains the event.
struct RedisFreshness: Sendable {
  private static let pause = 0.001
  /// Between two events that are watched: watching takes a part of the machine.
  private static let rest = 0.025
  private static let deadline = Duration.seconds(20)
  private let configuration: RedisConfiguration
  private let view: FeastLayout
  private let stream: FreshnessStream

  init(_ settings: Settings, _ stream: FreshnessStream) {
    configuration = settings.redisConfiguration
    view = settings.feastProjection.user
    self.stream = stream
  }

  /// Runs on a thread of its own until the stream ends.
  func watch() throws -> LatencyHistogram {
    let reader = FeatureReader(configuration)
    var latencies = LatencyHistogram()
    var key: [UInt8] = []
    while let sample = stream.nextSample() {
      key.removeAll(keepingCapacity: true)
      view.key.append(sample.user, to: &key)
      let end = sample.produced + Self.deadline
      while true {
        let time = try reader.read(view.fields, key: key.span.bytes)?.eventTime
        let now = ContinuousClock.now
        if let time, time >= sample.timestamp {
          latencies.record(now - sample.produced)
          break
        }
        guard now < end else {
          throw CommandFailure(.failure, "the features of user \(sample.user) never reached Redis")
        }
        if stream.isStopped { return latencies }
        Thread.sleep(forTimeInterval: Self.pause)
      }
      Thread.sleep(forTimeInterval: Self.rest)
    }
    return latencies
  }
}

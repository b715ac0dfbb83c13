import EventLog
import Foundation
import KafkaLog
import Pipeline
import SampleData
import Streams
import Synchronization

/// The generator on its way to the producer's thread.
final class GeneratorBox: Sendable {
  private let generator: Mutex<RatingGenerator?>

  init(_ generator: consuming sending RatingGenerator) {
    self.generator = Mutex(generator)
  }

  func take() -> RatingGenerator? {
    generator.withLock { $0.take() }
  }
}

/// Events produced evenly at a rate, each noted until its user's features contain it.
///
/// They have their user as key: only then does a user's order, and with it `FreshnessMatcher`'s
/// rule, hold across the partitions.
final class FreshnessStream: Sendable {
  /// One event, for a watcher that can follow one at a time.
  struct Sample: Sendable {
    var user: Int64
    /// The event's time, and its record's, in milliseconds since 1970.
    var timestamp: Int64
    var produced: ContinuousClock.Instant
  }

  private struct Shared {
    var matcher = FreshnessMatcher()
    var wantsSample = false
    var sample: Sample?
    var isStopped = false
    var hasProducedAll = false
  }

  private static let tick = 0.0005
  private let log: KafkaLog
  private let topology: Topology
  private let pacing: Pacing
  /// How many events, those of the warm-up included.
  let count: Int
  private let warmUp: Int
  private let shared = Mutex(Shared())

  init(log: KafkaLog, topology: Topology, rate: Double, count: Int, warmUp: Int) {
    self.log = log
    self.topology = topology
    pacing = Pacing(perSecond: rate)
    self.count = count
    self.warmUp = warmUp
  }

  var outstanding: Int { shared.withLock { $0.matcher.outstanding } }
  var hasProducedAll: Bool { shared.withLock { $0.hasProducedAll } }
  var isStopped: Bool { shared.withLock { $0.isStopped } }

  func stop() { shared.withLock { $0.isStopped = true } }

  /// Produces all events; runs on a thread of its own.
  ///
  /// - Returns: how long that took.
  func produce(_ box: GeneratorBox) throws -> Duration {
    guard var generator = box.take() else { return .zero }
    let producer = try log.makeProducer(
      ProducerConfiguration(
        topics: [topology[.userRatings]], delivery: .idempotent, clientID: "projectionist-bench"))
    defer { producer.close() }
    // Connects before the first event is timed.
    _ = try producer.topic(named: topology[.userRatings])
    let start = ContinuousClock.now
    var produced = 0
    var key: [UInt8] = []
    while produced < count, !isStopped {
      let due = min(pacing.due(after: .now - start), count)
      while produced < due {
        try produce(&generator, &key, isCounted: produced >= warmUp, by: producer)
        produced += 1
      }
      // Also while there is nothing to send: the client must hear of what was stored.
      Thread.sleep(forTimeInterval: Self.tick)
    }
    let took = ContinuousClock.now - start
    try producer.flush(timeout: .seconds(30))
    shared.withLock { $0.hasProducedAll = true }
    return took
  }

  private func produce(
    _ generator: inout RatingGenerator, _ key: inout [UInt8], isCounted: Bool,
    by producer: KafkaProducer
  ) throws {
    let timestamp = Int64(Date().timeIntervalSince1970 * 1000)
    generator.next(timeMilliseconds: timestamp)
    let user = generator.user
    let now = ContinuousClock.now
    shared.withLock { shared in
      shared.matcher.produce(user: user, timestamp: timestamp, at: now, isCounted: isCounted)
      if isCounted, shared.wantsSample {
        shared.wantsSample = false
        shared.sample = Sample(user: user, timestamp: timestamp, produced: now)
      }
    }
    key.removeAll(keepingCapacity: true)
    EventText.appendKey(user, to: &key)
    try producer.send(
      topic: 0, partition: nil, key: key.span.bytes, value: generator.value, headers: [],
      timestamp: timestamp, tracked: false)
  }

  /// Notes a features record.
  func arrive(
    user: Int64, timestamp: Int64, at now: ContinuousClock.Instant,
    _ body: (Duration) -> Void
  ) {
    shared.withLock { $0.matcher.arrive(user: user, timestamp: timestamp, at: now, body) }
  }

  /// The next event produced from now on; `nil` when there is none any more.
  func nextSample() -> Sample? {
    shared.withLock { $0.wantsSample = true }
    while true {
      let (sample, isOver) = shared.withLock { shared in
        (shared.sample.take(), shared.isStopped || shared.hasProducedAll)
      }
      if let sample { return sample }
      if isOver { return nil }
      Thread.sleep(forTimeInterval: 0.0002)
    }
  }
}

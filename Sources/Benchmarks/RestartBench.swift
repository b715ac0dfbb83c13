import Configuration
import Console
import EventLog
import Foundation
import KafkaLog
import Pipeline
import SampleData
import Streams

/// From the start of a daemon that was killed to its first new event.
package struct RestartBench {
  private let events: [Int]
  private let kills: Int
  private let rate: Double
  private let options: BenchOptions

  package init(_ options: BenchOptions, events: [Int], kills: Int, rate: Double) {
    self.events = events
    self.kills = kills
    self.rate = rate
    self.options = options
  }

  package func run() throws -> BenchReport {
    try BenchBed.use(options) { bed in
      let total = events.last ?? 0
      try bed.topics.checkRoom(for: total, partitions: options.partitions)
      var workload = try Workload(bed, events: total, invalid: 0)
      var report = BenchReport("restart")
      report.figures = [
        .text("guarantee", "guarantee", bed.settings.processing.guarantee.rawValue),
        .decimal("events", "events/s", "rate_events_per_second", rate, digits: 0),
        .count("kills with each state", "", "kills", kills),
      ]
      var processed = 0
      for count in events {
        try bed.buildState(&workload, events: count - processed)
        processed = count
        report.columns.append(try measure(bed, events: count))
      }
      return report
    }
  }

  private func measure(_ bed: BenchBed, events: Int) throws -> BenchReport.Column {
    var progress = ProgressBar("restart, \(events) events", unit: "kills", goal: .count(kills))
    try bed.waitUntilReady(bed.startDaemon()) { _ in progress.refresh() }
    let stateBytes = try bed.stateBytes()
    let stream = FreshnessStream(
      log: bed.log, topology: bed.settings.topology, rate: rate, count: Int(rate * 86_400),
      warmUp: .max)
    let box = GeneratorBox(generator)
    let producer = BenchThread("bench-producer") { try stream.produce(box) }
    let observer = try RestartObserver(bed, stream)
    defer { observer.close() }
    var restarts: [Restart] = []
    do {
      defer { stream.stop() }
      for _ in 1...kills {
        let restart = try restart(bed, observer) {
          try producer.check()
          progress.refresh(restarts.count)
        }
        restarts.append(restart)
      }
      progress.finish(kills)
    }
    _ = try producer.join()
    try bed.stopDaemon()
    return BenchReport.Column(
      title: "\(events) events", key: "events_\(events)",
      figures: [.bytes("state", "state_bytes", stateBytes)] + Restart.figures(of: restarts))
  }

  /// Other events than those the state is made of.
  private var generator: RatingGenerator {
    var settings = RatingGenerator.Settings()
    settings.users = options.users
    settings.movies = options.movies
    settings.seed = options.seed &+ 1
    return RatingGenerator(settings)
  }

  /// - Parameter check: called again and again; ends the measurement by throwing.
  private func restart(
    _ bed: BenchBed, _ observer: RestartObserver, _ check: () throws -> Void
  ) throws -> Restart {
    // Not always at the same point of a batch.
    let until = Date().addingTimeInterval(.random(in: 0.2...0.8))
    try observer.wait(check) { _ in Date() > until && observer.isUpToDate }
    bed.killDaemon()
    let killed = Date()
    let started = Date()
    let daemon = try bed.startDaemon()
    try observer.wait(check) { $0 > killed }
    let seen = Date()
    try bed.waitUntilReady(daemon) { _ in try check() }
    guard let history = bed.follower?.history,
      let restart = Restart(started: started, seen: seen, history)
    else {
      throw CommandFailure(.failure, "the daemon's events don't tell how it started")
    }
    return restart
  }
}

/// How long the parts of one restart took, in seconds.
struct Restart: Hashable, Sendable {
  /// The process starts and reaches the broker.
  var process: Double
  /// The transactional producers end what their predecessors have left open. The broker's.
  var producers: Double
  /// The groups give the stages their partitions. The broker's.
  var joining: Double
  /// The stores are opened and brought up to their changelogs' ends.
  var restoring: Double
  /// What is left until the stages read.
  var assigning: Double
  /// The first batch.
  var processing: Double

  var total: Double { process + producers + joining + restoring + assigning + processing }
  var broker: Double { producers + joining }

  /// A new event passes through intake and user, so each part lasts until both stages have passed
  /// it.
  ///
  /// - Parameters:
  ///   - started: when the process was started.
  ///   - seen: when the first new event was seen.
  ///   - history: the daemon's events.
  /// - Returns: `nil` when one of the moments is missing.
  init?(started: Date, seen: Date, _ history: DaemonHistory) {
    func last(_ stages: [String], _ isMoment: (EngineEvent.Kind) -> Bool) -> Date? {
      let firsts = stages.map { stage in
        history.events.first { $0.event.stage == stage && isMoment($0.event.kind) }?.time
      }
      return firsts.contains(nil) ? nil : firsts.compactMap(\.self).max()
    }
    let stages = [StageDeclaration.intake, .user].map(\.name)
    guard let starting = history.starting,
      let joining = last(stages, { if case .joining = $0 { true } else { false } }),
      let assigned = last(stages, { if case .assigned = $0 { true } else { false } }),
      let restored = last(
        [StageDeclaration.user.name], { if case .restored = $0 { true } else { false } }),
      let processing = last(stages, { if case .processing = $0 { true } else { false } })
    else { return nil }
    // A stage may have its partitions while the other one waits for its own.
    let times = [started, starting, joining, assigned, restored, processing, seen]
    var parts: [Double] = []
    var reached = started
    for time in times.dropFirst() {
      parts.append(max(0, time.timeIntervalSince(reached)))
      reached = max(reached, time)
    }
    (process, producers, self.joining) = (parts[0], parts[1], parts[2])
    (restoring, assigning, self.processing) = (parts[3], parts[4], parts[5])
  }

  static func figures(of restarts: [Restart]) -> [Figure] {
    func median(_ label: String, _ key: String, _ part: (Restart) -> Double) -> Figure {
      .decimal(label, "ms", "\(key)_milliseconds", restarts.map(part).median * 1000, digits: 0)
    }
    let worst = restarts.map(\.total).max() ?? 0
    return [
      median("from the start to the first new event", "total", \.total),
      .decimal("  worst", "ms", "worst_milliseconds", worst * 1000, digits: 0),
      median("the broker's part", "broker", \.broker),
      median("  ending transactions", "producers", \.producers),
      median("  giving partitions out", "joining", \.joining),
      median("the rest", "own") { $0.total - $0.broker },
      median("  process and connection", "process", \.process),
      median("  state", "restoring", \.restoring),
      median("  assignment", "assigning", \.assigning),
      median("  first batch", "processing", \.processing),
    ]
  }
}

/// Sees the features of a stream of events arrive, as a read_committed consumer does.
private final class RestartObserver {
  private static let deadline = Duration.seconds(90)
  /// So old the newest features may be while everything runs.
  private static let lag = 1.0
  private let consumer: KafkaConsumer
  private let stream: FreshnessStream
  /// When the newest event seen was produced.
  private(set) var newest = Date.distantPast

  init(_ bed: BenchBed, _ stream: FreshnessStream) throws {
    self.stream = stream
    consumer = try bed.makeFeatureReader()
  }

  func close() { consumer.close() }

  var isUpToDate: Bool { Date().timeIntervalSince(newest) < Self.lag }

  /// Reads until the condition holds. It receives when the newest event seen was produced.
  func wait(_ check: () throws -> Void, _ condition: (Date) -> Bool) throws {
    let end = ContinuousClock.now + Self.deadline
    while !condition(newest) {
      _ = try consumer.poll(maxRecords: 10_000, timeout: .milliseconds(10)) { record in
        newest = max(newest, Date(timeIntervalSince1970: Double(record.timestamp) / 1000))
        if let key = record.key, let user = DecimalText.parse(key) {
          stream.arrive(user: user, timestamp: record.timestamp, at: .now) { _ in }
        }
        return true
      }
      try check()
      guard ContinuousClock.now < end else {
        throw CommandFailure(.failure, "no new features in \(Self.deadline)")
      }
    }
  }
}

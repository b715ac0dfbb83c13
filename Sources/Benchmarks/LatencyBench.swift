import Pipeline
import Configuration
import Console
import Foundation
import KafkaLog
import Processes
import SampleData
import Streams

/// The time from an event's production to its user's features.
package struct LatencyBench {
  private let rate: Double
  private let seconds: Double
  private let warmUpSeconds: Double
  private let events: Int
  private let options: BenchOptions

  package init(
    _ options: BenchOptions, rate: Double, seconds: Double, warmUpSeconds: Double, events: Int
  ) {
    self.rate = rate
    self.seconds = seconds
    self.warmUpSeconds = warmUpSeconds
    self.events = events
    self.options = options
  }

  package func run() throws -> BenchReport {
    try BenchBed.use(options) { bed in
      let total = max(1, Int((seconds + warmUpSeconds) * rate))
      try bed.topics.checkRoom(for: events + total, partitions: options.partitions)
      var workload = try Workload(bed, events: events + total, invalid: 0)
      let daemon = try bed.process(&workload, events: events)
      let stream = FreshnessStream(
        log: bed.log, topology: bed.settings.topology, rate: rate, count: total,
        warmUp: min(Int(warmUpSeconds * rate), total - 1))
      return try measure(bed, stream, workload.takeGenerator(), daemon)
    }
  }

  private func measure(
    _ bed: BenchBed, _ stream: FreshnessStream, _ generator: consuming RatingGenerator,
    _ daemon: ChildProcess
  ) throws -> BenchReport {
    let arrivals = try FeatureArrivals(bed, stream)
    defer { arrivals.close() }
    let cpu = ProcessUsage(of: daemon.processID)?.cpuSeconds ?? 0
    let box = GeneratorBox(generator)
    let producer = BenchThread("bench-producer") { try stream.produce(box) }
    let redis = RedisFreshness(bed.settings, stream)
    let watcher = BenchThread("bench-redis") { try redis.watch() }
    let features: LatencyHistogram
    do {
      defer { stream.stop() }
      features = try arrivals.measure {
        try bed.check()
        try producer.check()
        try watcher.check()
      }
    }
    let took = try producer.join()
    let projected = try watcher.join()
    let used = (ProcessUsage(of: daemon.processID)?.cpuSeconds ?? 0) - cpu
    let produced = Double(stream.count)
    var report = BenchReport("latency")
    report.figures = [
      .text("guarantee", "guarantee", bed.settings.processing.guarantee.rawValue),
      .decimal("rate asked for", "events/s", "rate_events_per_second", rate, digits: 0),
      .decimal(
        "rate produced", "events/s", "produced_events_per_second", produced / (took / .seconds(1)),
        digits: 0),
      .decimal("measured for", "s", "measured_seconds", seconds, digits: 0),
      .count("events without features", "", "lost_events", stream.outstanding),
      .decimal(
        "CPU of the daemon an event", "µs", "cpu_microseconds_per_event", used / produced * 1e6),
    ]
    report.columns = [
      Self.column(TopicDeclaration.userFeatures.name, "user_features", features),
      Self.column("Redis", "redis", projected),
    ]
    guard stream.outstanding == 0 else {
      throw CommandFailure(.failure, "\(stream.outstanding) events never reached user-features")
    }
    return report
  }

  private static func column(_ title: String, _ key: String, _ latencies: LatencyHistogram)
    -> BenchReport.Column
  {
    BenchReport.Column(
      title: title, key: key,
      figures: [.count("timed", "events", "timed_events", latencies.count)] + latencies.figures)
  }
}

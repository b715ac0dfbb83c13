import Configuration
import Console
import Foundation
import Pipeline
import Processes
import Streams

/// From a cold daemon to zero lag on every stage, with events already there.
package struct IngestBench {
  /// The movie stage begins the refresh a second after its last event.
  private static let refreshDeadline = Duration.seconds(5)

  private let events: Int
  private let invalid: Double
  private let options: BenchOptions

  package init(_ options: BenchOptions, events: Int, invalid: Double) {
    self.events = events
    self.invalid = invalid
    self.options = options
  }

  package func run() throws -> BenchReport {
    try BenchBed.use(options) { bed in
      try bed.topics.checkRoom(for: events, partitions: options.partitions)
      var workload = try Workload(bed, events: events, invalid: invalid)
      try workload.preload(events)
      var report = BenchReport("ingest")
      report.figures = [
        .text("guarantee", "guarantee", bed.settings.processing.guarantee.rawValue),
        .count("events", "", "events", events),
        .count("  invalid", "", "invalid_events", workload.invalid),
      ]
      let raw = try ReadBack([bed.settings.topology[.userRatings]], bed, label: "bare consumer")
      report.figures += try measure(bed)
      report.figures += [
        .decimal(
          "bare consumer", "events/s", "raw_events_per_second", Double(raw.total) / raw.seconds,
          digits: 0),
        .decimal(
          "  CPU an event", "µs", "raw_cpu_microseconds_per_event",
          raw.cpuSeconds / Double(raw.total) * 1e6, digits: 2),
      ]
      report.figures += try readBack(bed, invalid: workload.invalid)
      return report
    }
  }

  private func measure(_ bed: BenchBed) throws -> [Figure] {
    let redisStart = bed.redis.flatMap { ProcessUsage(of: $0.process.processID) }
    let start = ContinuousClock.now
    let daemon = try bed.startDaemon()
    let watch = try LagWatch(bed, daemon)
    var progress = ProgressBar("ingest", unit: "events", goal: .count(events))
    let first = try watch.firstOutput { progress.refresh() }
    let end = try watch.wait { progress.refresh(min($0, events)) }
    let redisEnd = bed.redis.flatMap { ProcessUsage(of: $0.process.processID) }
    progress.finish(events)
    guard let usage = end.usage else { throw CommandFailure(.failure, "the daemon is gone") }
    let wall = (end.time - start) / .seconds(1)
    let processing = (end.time - first) / .seconds(1)
    var figures: [Figure] = [
      .decimal("from its start to zero lag", "s", "wall_seconds", wall, digits: 2),
      .decimal("  from its first output", "s", "processing_seconds", processing, digits: 2),
      .decimal(
        "rate from its start", "events/s", "events_per_second", Double(events) / wall, digits: 0),
      .decimal(
        "  from its first output", "events/s", "processing_events_per_second",
        Double(events) / processing, digits: 0),
      .decimal("CPU", "s", "cpu_seconds", usage.cpuSeconds, digits: 2),
      .decimal(
        "  an event", "µs", "cpu_microseconds_per_event", usage.cpuSeconds / Double(events) * 1e6,
        digits: 2),
      .bytes("peak memory", "peak_memory_bytes", usage.peakBytes),
      .bytes("  memory of its own at the end", "anonymous_memory_bytes", usage.anonymousBytes),
      .bytes("  mapped files at the end", "mapped_memory_bytes", usage.mappedBytes),
      .bytes("state", "state_bytes", try bed.stateBytes()),
    ]
    if let redisStart, let redisEnd {
      figures.append(
        .decimal(
          "CPU of redis-server", "s", "redis_cpu_seconds",
          redisEnd.cpuSeconds - redisStart.cpuSeconds, digits: 2))
    }
    return figures + (try refresh(watch, since: end.time))
  }

  /// When the input rests, the movie stage publishes quality scores again if their prior has moved.
  private func refresh(_ watch: LagWatch, since end: ContinuousClock.Instant) throws -> [Figure] {
    let before = try watch.look().offsets
    let deadline = ContinuousClock.now + Self.refreshDeadline
    var progress = ProgressBar("refresh of quality scores")
    while try watch.look().offsets == before {
      progress.refresh()
      guard ContinuousClock.now < deadline else {
        progress.close()
        return []
      }
      Thread.sleep(forTimeInterval: 0.05)
    }
    let done = try watch.wait { _ in progress.refresh() }
    progress.close()
    return [
      .decimal(
        "refresh of quality scores done after", "s", "refresh_done_seconds",
        (done.time - end) / .seconds(1), digits: 2)
    ]
  }

  /// Counts what was written, and checks that nothing is missing.
  private func readBack(_ bed: BenchBed, invalid: Int) throws -> [Figure] {
    let topology = bed.settings.topology
    // What goes in, and what the stages that process it write.
    let stages = topology.stages.filter { !$0.pacing.answersRequests }
    let topics = topology.topics.filter { topic in
      topic == .userRatings || stages.contains { $0.writes(topic) }
    }
    let counts = try ReadBack(
      topics.map { topology[$0] }, bed, label: "reading all back"
    ).records
    let verdicts = counts[topology[.validationResults], default: 0]
    let valid = counts[topology[.validatedRatings], default: 0]
    let dead = counts[topology[.deadLetters], default: 0]
    // Nothing has crashed, so nothing may repeat, either.
    guard verdicts >= events, valid == events - invalid, dead == invalid else {
      throw CommandFailure(
        .failure,
        "\(events) events went in, \(invalid) of them invalid; \(verdicts) verdicts, \(valid) valid"
          + " ones and \(dead) dead ones came out")
    }
    let complaints = bed.follower?.history.complaints ?? 0
    return topics.map { topic in
      let key = "\(topic.name.replacing("-", with: "_"))_records"
      return .count("records in \(topic.name)", "", key, counts[topology[topic], default: 0])
    } + [.count("complaints of the daemon", "", "daemon_complaints", complaints)]
  }
}

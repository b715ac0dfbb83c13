import Configuration
import Console
import Foundation
import Pipeline
import Streams
import Wiring

/// From an empty state directory to all state, out of the changelogs.
package struct RestoreBench {
  /// What a restore must reach, in records/s and as a share of the bare consumer's rate.
  private static let bar = (rate: 500_000.0, share: 0.8)
  private static let stages = Topology.product.filter(\.isStateful)

  private let events: Int
  private let runs: Int
  private let options: BenchOptions

  package init(_ options: BenchOptions, events: Int, runs: Int) {
    self.events = events
    self.runs = runs
    self.options = options
  }

  /// What one restore took.
  private struct Run {
    /// By stage.
    var spans: [String: RestoreSpan]
    var all: RestoreSpan
    var ready: Double
    var peak: ProcessUsage
    var memory: MemoryCourse
    var raw: ReadBack
    var stateBytes: Int
  }

  package func run() throws -> BenchReport {
    try BenchBed.use(options) { bed in
      try bed.topics.checkRoom(for: events, partitions: options.partitions)
      var workload = try Workload(bed, events: events, invalid: 0)
      try bed.buildState(&workload, events: events)
      let expected = try StateDigest(
        bed.settings.storage, label: "state to restore", check: bed.check)
      var all: [Run] = []
      for number in 1...runs {
        all.append(try measure(bed, expected, label: "run \(number) of \(runs)"))
      }
      return report(bed, all)
    }
  }

  /// - Parameter label: which run this is, for the progress bars of its parts.
  private func measure(_ bed: BenchBed, _ expected: StateDigest, label: String) throws -> Run {
    let raw = try ReadBack(changelogs(bed), bed, label: "\(label), bare consumer")
    try bed.deleteState()
    let start = ContinuousClock.now
    let daemon = try bed.startDaemon()
    var memory = MemoryCourse()
    var progress = ProgressBar("\(label), restore")
    let peak = try bed.waitUntilReady(daemon) {
      memory.note($0.anonymousBytes, at: Date())
      progress.refresh()
    }
    let ready = (ContinuousClock.now - start) / .seconds(1)
    progress.finish(0)
    let stateBytes = try bed.stateBytes()
    let history = bed.follower?.history ?? DaemonHistory()
    try bed.stopDaemon()
    let found = try StateDigest(
      bed.settings.storage, label: "\(label), comparison", check: bed.check)
    guard found == expected else {
      throw CommandFailure(
        .failure,
        "the state restored (\(found.entries) entries) is not what was deleted"
          + " (\(expected.entries) entries)")
    }
    var spans: [String: RestoreSpan] = [:]
    for stage in Self.stages {
      spans[stage.name] = RestoreSpan(of: [stage.name], in: history)
    }
    guard let all = RestoreSpan(of: Set(Self.stages.map(\.name)), in: history) else {
      throw CommandFailure(.failure, "the daemon has not reported that it restored its state")
    }
    return Run(
      spans: spans, all: all, ready: ready, peak: peak, memory: memory, raw: raw,
      stateBytes: stateBytes)
  }

  private func changelogs(_ bed: BenchBed) -> [String] {
    bed.settings.topology.changelogs
  }

  // MARK: Figures

  private func report(_ bed: BenchBed, _ runs: [Run]) -> BenchReport {
    func median(_ value: (Run) -> Double) -> Double { runs.map(value).median }
    let records = runs[0].raw.total
    let bytes = runs[0].raw.totalBytes
    let rate = median { Double($0.raw.total) / $0.all.seconds }
    let raw = median { Double($0.raw.total) / $0.raw.seconds }
    let bar = min(Self.bar.rate, Self.bar.share * raw)
    var report = BenchReport("restore")
    report.figures = [
      .text("guarantee", "guarantee", bed.settings.processing.guarantee.rawValue),
      .count("events", "", "events", events),
      .count("runs", "", "runs", runs.count),
      .count("changelog records", "", "changelog_records", records),
      .bytes("  their keys and values", "changelog_bytes", bytes),
      .decimal("restore", "s", "restore_seconds", median { $0.all.seconds }, digits: 2),
      .decimal("  rate", "records/s", "records_per_second", rate, digits: 0),
      .decimal(
        "  worst run", "records/s", "worst_records_per_second",
        records == 0
          ? 0 : runs.map { Double($0.raw.total) / $0.all.seconds }.min() ?? 0, digits: 0),
      .bytes("  bytes a second", "bytes_per_second", Int(rate * Double(bytes) / Double(records))),
      .decimal("bare consumer", "records/s", "raw_records_per_second", raw, digits: 0),
      .decimal("  restore's share of it", "", "share_of_raw", rate / raw, digits: 2),
      .decimal("the bar", "records/s", "bar_records_per_second", bar, digits: 0),
      .text("  reached", "bar_reached", rate >= bar ? "yes" : "no"),
      .decimal("from the start to ready", "s", "ready_seconds", median { $0.ready }, digits: 2),
      .bytes("peak memory", "peak_memory_bytes", Int(median { Double($0.peak.peakBytes) })),
      .bytes(
        "  of its own", "peak_anonymous_memory_bytes",
        Int(median { Double($0.peak.anonymousBytes) })
      ),
    ]
    report.figures += (0..<4).map { quarter in
      .bytes(
        "    quarter \(quarter + 1) of the restore",
        "quarter_\(quarter + 1)_anonymous_memory_bytes",
        Int(median { Double($0.memory.peaks(during: $0.all, parts: 4)[quarter]) }))
    }
    report.figures.append(.bytes("state", "state_bytes", runs[0].stateBytes))
    let topics = changelogs(bed)
    report.columns = zip(Self.stages, topics).map { stage, topic in
      let records = runs[0].raw.records[topic, default: 0]
      let bytes = runs[0].raw.bytes[topic, default: 0]
      let seconds = median { $0.spans[stage.name]?.seconds ?? 0 }
      return BenchReport.Column(
        title: stage.name, key: stage.name,
        figures: [
          .count("changelog records", "", "changelog_records", records),
          .bytes("  their keys and values", "changelog_bytes", bytes),
          .decimal("restore", "s", "restore_seconds", seconds, digits: 2),
          .decimal(
            "  rate", "records/s", "records_per_second", Double(records) / max(seconds, 1e-3),
            digits: 0),
          .bytes("  bytes a second", "bytes_per_second", Int(Double(bytes) / max(seconds, 1e-3))),
        ])
    }
    return report
  }
}

/// How much memory a process had, and when.
struct MemoryCourse {
  private var samples: [(time: Date, bytes: Int)] = []

  mutating func note(_ bytes: Int, at time: Date) { samples.append((time, bytes)) }

  /// The most in each of so many equal parts of a restore; 0 where nothing was noted.
  func peaks(during span: RestoreSpan, parts: Int) -> [Int] {
    var peaks = Array(repeating: 0, count: parts)
    for (time, bytes) in samples where (span.start...span.end).contains(time) {
      let share = time.timeIntervalSince(span.start) / max(span.seconds, 1e-3)
      let part = min(Int(share * Double(parts)), parts - 1)
      peaks[part] = max(peaks[part], bytes)
    }
    return peaks
  }
}

extension [Double] {
  /// The middle one, or the mean of the two in the middle; 0 of none.
  var median: Double {
    guard !isEmpty else { return 0 }
    let sorted = sorted()
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
  }
}

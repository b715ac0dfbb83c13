import Configuration
import EventLog
import Foundation
import LMDBStore
import StateStore
import Streams
import Testing

@testable import DaemonRuntime
@testable import Metrics

/// The daemon's page of metrics, as a whole.
@Suite struct MetricsTests {
  private static let now: Int64 = 1_700_000_000_000

  /// Metrics of a daemon with one store that has had one batch.
  private func withMetrics(_ body: (DaemonMetrics) throws -> Void) throws {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: root) }
    let storage = LMDBStorage(root: root.path, mapBytes: 1 << 30)
    let store = try storage.open(stage: "user", partition: 7, tables: ["users", "ratings"])
    var writes = WriteSet()
    for key in UInt8(0)..<3 {
      writes.set(Table(rawValue: 1), [key].span.bytes, [1].span.bytes)
    }
    try store.commit(&writes, changelogOffset: 5)
    let metrics = DaemonMetrics(storage: storage) { Self.now }
    var batch = BatchSummary(
      records: 3, bytes: 40, redeliveries: 0, judged: VerdictCounts(valid: 3),
      open: .milliseconds(2), steps: [.init(.commitStores, .milliseconds(1))],
      positions: [TopicPartition("in", 0): PartitionPosition(nextOffset: 3, endOffset: 5)])
    batch.inputs = [TopicTally(topic: "in", records: 3, bytes: 40)]
    metrics.sink.receive(EngineEvent(stage: "user", .batchCommitted(batch)))
    try body(metrics)
    try store.close()
  }

  @Test func thePageHasAllSources() throws {
    try withMetrics { metrics in
      let text = metrics.page(accept: nil).text
      let lines = Set(text.split(separator: "\n").map(String.init))
      #expect(lines.contains { $0.hasPrefix("projectionist_build_info{version=\"") })
      #expect(lines.contains(#"projectionist_batches_total{stage="user"} 1"#))
      let labels = #"stage="user",partition="7""#
      #expect(lines.contains("projectionist_store_keys{\(labels),table=\"users\"} 3"))
      #expect(lines.contains("projectionist_store_keys{\(labels),table=\"ratings\"} 0"))
      #expect(lines.contains("projectionist_store_oldest_reader_commits{\(labels)} 0"))
      #expect(lines.contains("process_start_time_seconds 1700000000"))
      for name in ["cpu_seconds_total", "resident_memory_bytes", "threads", "open_fds", "max_fds"] {
        let line = lines.first { $0.hasPrefix("process_\(name) ") }
        #expect(line.flatMap { Double($0.split(separator: " ")[1]) } ?? 0 > 0, "\(name)")
      }
    }
  }

  @Test func theFormatIsTheClients() throws {
    try withMetrics { metrics in
      let open = metrics.page(accept: "application/openmetrics-text;version=1.0.0")
      #expect(open.contentType.hasPrefix("application/openmetrics-text"))
      #expect(open.text.hasSuffix("# EOF\n") && open.text.contains("\n# UNIT "))
      let plain = metrics.page(accept: "text/plain")
      #expect(plain.contentType.hasPrefix("text/plain"))
      #expect(!plain.text.contains("# UNIT") && !plain.text.contains("# EOF"))
    }
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/promtool")))
  func promtoolFindsNoFault() throws {
    try withMetrics { metrics in
      for text in [metrics.page(accept: nil).text, Self.textOfAllFamilies] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/promtool")
        process.arguments = ["check", "metrics"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        try input.fileHandleForWriting.close()
        let found = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(String(decoding: found, as: UTF8.self))")
      }
    }
  }

  /// A series of each family, whose labels are their own names.
  private static var textOfAllFamilies: String {
    var store = MetricStore(DaemonMetrics.families)
    for family in DaemonMetrics.families { _ = store.place(of: family.labels, in: family) }
    return MetricsPage([store], accept: nil).text
  }

  /// As section 6 of the contracts has them.
  @Test func namesKeepToTheConventions() {
    let names = DaemonMetrics.families.map(\.name)
    #expect(Set(names).count == names.count)
    for family in DaemonMetrics.families {
      #expect(family.name.hasPrefix("projectionist_") || family.name.hasPrefix("process_"))
      for unit in ["seconds", "bytes", "ratio"] where family.name.hasSuffix("_\(unit)") {
        #expect(family.unit?.rawValue == unit, "\(family.name) lacks its unit")
      }
      for other in ["milliseconds", "ms", "percent", "kilobytes", "minutes"] {
        #expect(!family.name.hasSuffix("_\(other)"))
      }
      #expect(!family.help.isEmpty && !family.help.hasSuffix("."))
      #expect(Set(family.labels).isDisjoint(with: ["user", "movie", "user_id", "movie_id", "le"]))
    }
  }

  /// The article lists every family, and nothing else.
  @Test func theArticleListsEveryFamily() throws {
    let article = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Sources/Metrics/Metrics.docc/Metrics.md").standardized
    let text = try String(contentsOf: article, encoding: .utf8)
    let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `") }.map(String.init)
    #expect(rows == DaemonMetrics.families.map(Self.row))
  }

  private static func row(of family: MetricFamily) -> String {
    let (suffix, type) =
      switch family.kind {
      case .counter: ("_total", "counter")
      case .gauge: ("", "gauge")
      case .info: ("_info", "info")
      case .histogram: ("", "histogram")
      }
    let labels = family.labels.map { "`\($0)`" }.joined(separator: ", ")
    return
      "| `\(family.name)\(suffix)` | \(type) | \(labels)\(labels.isEmpty ? "" : " ")| \(family.help) |"
  }
}

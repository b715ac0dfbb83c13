package import Configuration
import EventLog
import KafkaLog
package import Logging
import Pipeline
import Ratings
import RedisProjection
import Streams
import Wiring

/// Compares all rows of Redis with the features' topics, both ways. It needs no state store.
package struct ProjectionVerification {
  /// What was found of one view.
  package struct Report: Encodable {
    var view: String
    var topic: String
    /// Why nothing was compared.
    var problem: String?
    /// Entities of the topic.
    var rows = 0
    /// Rows that are not as the topic gives them, of whichever kind.
    var differing = 0
    var missing = 0
    /// Rows of entities that no features stand for.
    var leftOver = 0
    /// Rows fenced beyond the log's end, which no record replaces.
    var fenced = 0
    /// Rows that have changed since the comparison began.
    var newer = 0
    var first: [VerifyReport.Feature] = []

    private enum CodingKeys: String, CodingKey {
      case view, topic, problem, rows, differing, missing, fenced, newer, first
      case leftOver = "left_over"
    }

    package var agrees: Bool { problem == nil && differing == 0 }

    package var text: String {
      if let problem { return "\(view): not compared: \(problem)" }
      let changed = newer > 0 ? ", \(newer) changed meanwhile" : ""
      if differing == 0 { return "\(view): Redis agrees: \(rows) rows\(changed)" }
      var lines = ["\(view): \(differing) rows differ in Redis\(kinds), of \(rows)\(changed)"]
      for feature in first {
        lines.append("  \(feature.entity) \(feature.feature)")
        lines.append("    log    \(feature.expected?.description ?? "-")")
        lines.append("    Redis  \(feature.redis?.description ?? "-")")
      }
      return (lines + remedies.map { "  → \($0)" }).joined(separator: "\n")
    }

    private var kinds: String {
      let counts = [
        (missing, "missing"), (leftOver, "left over"), (fenced, "fenced beyond the log's end"),
      ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
      return counts.isEmpty ? "" : " (\(counts.joined(separator: ", ")))"
    }

    private var remedies: [String] {
      RedisOutcome.remedies(rows: differing, unreplaced: leftOver + fenced)
    }
  }

  private let settings: Settings
  private let cluster: VerifiedCluster
  private let patience: Duration
  private let shown: Int

  package init(_ settings: Settings, _ logger: Logger, patience: Duration, shown: Int) throws {
    cluster = try VerifiedCluster(settings, logger)
    self.settings = settings
    self.patience = patience
    self.shown = shown
  }

  /// Compares the rows of both views.
  package func run() throws -> [Report] {
    try [
      verify("users", .userFeatures) {
        try PublishedFeatures.users(cluster.log, $0).mapValues { $0 }
      },
      verify("movies", .movieFeatures) {
        try PublishedFeatures.movies(cluster.log, $0).mapValues { $0 }
      },
    ]
  }

  private func verify(
    _ view: String, _ features: TopicDeclaration,
    read: ([TopicPartition: Int64]) throws -> [Int64: (any FeatureRow)?]
  ) throws -> Report {
    let comparison = try RedisComparison(
      settings, cluster, features: features, patience: patience)
    var report = Report(view: view, topic: comparison.topic)
    if let problem = try comparison.waitForRedisStage() {
      report.problem = problem
      return report
    }
    var outcome = RedisOutcome(shown: shown)
    try comparison.run(try read(comparison.ends), &outcome)
    report.rows = outcome.rows
    report.missing = outcome.missing
    report.leftOver = outcome.leftOver
    report.fenced = outcome.fenced
    report.differing =
      outcome.different + outcome.missing + outcome.leftOver + outcome.fenced
    report.newer = outcome.newer
    report.first = VerifyReport.features(of: outcome)
    return report
  }
}

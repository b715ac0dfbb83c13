package import Configuration
import Console
import EventLog
import KafkaLog
package import Logging
import Pipeline
import RedisProjection
import Streams
import Wiring

/// Writes every row of the features' topics to Redis again, while the redis stage goes on: also
/// over rows of an equal fence, which somebody else may have changed.
package struct ProjectionRebuild {
  /// What was done.
  package struct Report: Encodable {
    var redis: String
    var project: String
    var epoch: UInt64
    /// Records read, some of them of the same entity.
    var records = 0
    var written = 0
    /// Rows that Redis has from later records.
    var newer = 0
    /// Keys that held something other than a hash.
    var replaced = 0
    var seconds: Double = 0
    var rowsPerSecond: Double = 0

    private enum CodingKeys: String, CodingKey {
      case redis, project, epoch, records, written, newer, replaced, seconds
      case rowsPerSecond = "rows_per_second"
    }

    package var text: String {
      "Redis at \(redis), project \(project): \(written) rows written again from \(records) records"
        + (newer > 0 ? ", \(newer) newer ones left as they are" : "")
        + (replaced > 0 ? ", \(replaced) keys of another type replaced" : "")
        + " (\(Int(rowsPerSecond)) rows/s)"
    }
  }

  /// Rows gathered for one write: of an entity's records among them the newest is written.
  private static let rowsPerWrite = 20_000

  private let settings: Settings
  private let log: KafkaLog
  private let permit: ProjectionPermit
  private let sink: RedisSink

  /// - Throws: when the project is not this application's, of this cluster.
  package init(_ settings: Settings, _ logger: Logger) throws {
    self.settings = settings
    var quiet = logger
    if quiet.logLevel < .warning { quiet.logLevel = .warning }
    log = KafkaLog(settings: settings.kafkaSettings, logger: quiet)
    let identity = settings.projectionIdentity(cluster: try settings.makeAdmin(logger).cluster().id)
    sink = RedisSink(identity.projection, settings.redisConfiguration)
    let project = identity.projection.project
    guard let record = try sink.record() else {
      throw CommandFailure(
        .stateDiffers,
        "\(sink.place) has no record of the project \(project): start the redis stage, which fills"
          + " it from the beginning")
    }
    guard record.owner == identity.owner else {
      throw CommandFailure(
        .stateDiffers,
        "\(sink.place) holds the project \(project) of \(record.owner), and this is"
          + " \(identity.owner): take it over with `projectionist redis claim`, which fills it again"
      )
    }
    var permit = ProjectionPermit(project: project, owner: record.owner, epoch: record.epoch)
    permit.replacesEqual = true
    self.permit = permit
  }

  /// Writes all rows there are now.
  package func run() throws -> Report {
    var report = Report(
      redis: "\(settings.redisConfiguration.address)", project: permit.project,
      epoch: permit.epoch)
    let topics = settings.topology.inputs(of: .redis)
    var reader = try PartitionReader(log, topics: topics, clientID: "projectionist-rebuild")
    try reader.begin(try cursors(of: topics, by: reader.consumer))
    var progress = ProgressBar("rebuilding Redis", unit: "records", goal: .fraction)
    let total = Double(max(1, reader.total))
    var rows = FeatureRows(settings.feastProjection)
    var failure: RedisError?
    try reader.readToEnd(
      patience: PublishedFeatures.patience,
      onPoll: { cursors in
        let passed = cursors.reduce(0) { $0 + $1.passed }
        progress.update(report.records, fraction: Double(passed) / total)
        guard rows.count >= Self.rowsPerWrite else { return true }
        do throws(RedisError) { try write(&rows, &report) } catch { failure = error }
        return failure == nil
      },
      { _, record in
        rows.take(record)
        report.records += 1
        return true
      })
    if let failure { throw failure }
    try write(&rows, &report)
    progress.finish(report.records)
    report.seconds = progress.elapsed / .seconds(1)
    report.rowsPerSecond = Double(report.written) / max(report.seconds, 0.001)
    return report
  }

  private func write(_ rows: inout FeatureRows, _ report: inout Report) throws(RedisError) {
    let counts = try rows.write(to: sink, by: permit)
    rows.removeAll()
    report.written += counts.written
    report.newer += counts.fenced
    report.replaced += counts.replaced
  }

  private func cursors(of topics: [String], by consumer: KafkaLog.Consumer) throws
    -> [PartitionCursor]
  {
    var ends: [TopicPartition: Int64] = [:]
    for topic in topics {
      ends.merge(try consumer.bounds(of: topic).mapValues(\.upperBound)) { $1 }
    }
    return try PublishedFeatures.cursors(ends, by: consumer)
  }
}

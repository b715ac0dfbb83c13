package import Configuration
import Console
import KafkaLog
package import Logging
import Pipeline
import RedisProjection
import Wiring

/// The takeover of the configured project in Redis by this application.
package struct ProjectionClaim {
  /// The record in Redis, as a command prints it.
  package struct Holder: Encodable {
    var application: String
    var cluster: String
    var epoch: UInt64
    /// Offsets projected, by partition.
    var positions: [String: Int64]

    init(_ record: ProjectionRecord) {
      application = record.owner.application
      cluster = record.owner.cluster
      epoch = record.epoch
      positions = record.positions.mapValues(\.next)
    }

    var text: String { "the application \(application) on the cluster \(cluster), epoch \(epoch)" }
  }

  /// What a command has found or done.
  package struct Report: Encodable {
    var redis: String
    var project: String
    /// Rows with features.
    var users: Int
    var movies: Int
    /// Before a claim; absent when nobody's.
    var before: Holder?
    /// Whose it is now.
    var now: Holder?
    /// Whether it is this application's, of this cluster.
    var isOwn: Bool

    private var text: String {
      let rows = "\(users) users and \(movies) movies"
      let place = "Redis at \(redis), project \(project)"
      guard let now else { return "\(place): nobody's, with rows of \(rows)" }
      let owner = isOwn ? "this application's" : "not this application's"
      return "\(place): of \(now.text), which is \(owner), with rows of \(rows)"
    }

    package var claimText: String {
      """
      \(text)
      It was \(before.map { "of \($0.text)" } ?? "nobody's"). Writers of before stay out. The redis \
      stage writes all features again, and then removes the rows that none stand for
      """
    }
  }

  private let settings: Settings
  private let identity: ProjectionIdentity
  private let sink: RedisSink

  /// - Throws: when the cluster does not answer, which tells the log's identity, or the topics are
  ///   another application's.
  package init(_ settings: Settings, _ logger: Logger) throws {
    self.settings = settings
    let admin = try settings.makeAdmin(logger)
    identity = settings.projectionIdentity(cluster: try admin.cluster().id)
    // An application without topics could never fill what it claims.
    try TopicOwners(settings, logger).check(try admin.topics())
    sink = RedisSink(identity.projection, settings.redisConfiguration)
  }

  /// Makes it this application's, of this cluster, under a new epoch.
  package func claim() throws -> Report {
    for _ in 0..<Self.attempts {
      let survey = try survey()
      let before = try sink.record()
      let record = identity.record(after: before, newest: survey.newest)
      if try sink.replace(epoch: before?.epoch, by: record) {
        return report(survey, before: before, now: record)
      }
    }
    throw CommandFailure(
      .unavailable, "somebody else claims the project at the same time: nothing was changed")
  }

  private static let attempts = 5

  private func survey() throws(RedisError) -> ProjectionSurvey {
    try ProjectionSurvey(sink, views: identity.projection.views.count)
  }

  private func report(
    _ survey: ProjectionSurvey, before: ProjectionRecord?, now: ProjectionRecord?
  ) -> Report {
    Report(
      redis: "\(settings.redisConfiguration.address)", project: identity.projection.project,
      users: survey.counts[0], movies: survey.counts[1], before: before.map(Holder.init),
      now: now.map(Holder.init), isOwn: now?.owner == identity.owner)
  }
}

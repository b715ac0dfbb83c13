import Console
import DataFiles
import KafkaLog
import Pipeline
package import Ratings
import Recommender
import SampleData
import Streams

/// Reads the ratings to train on, with a progress bar.
enum RatingsInput {
  /// Reads the log up to these offsets.
  static func read(_ log: KafkaLog, _ topology: Topology, ends: [Int64]) throws -> RatingMatrix {
    let reader = try RatingLogReader(
      log, topology: topology, ends: ends, clientID: "projectionist-train")
    var progress = ProgressBar(
      topology[.validatedRatings], unit: "records", goal: .count(reader.total))
    while try reader.read() { progress.update(reader.passed) }
    progress.finish(reader.total)
    return try reader.finish()
  }

  /// Reads a file, or those of a directory or archive, and judges them as intake would.
  ///
  /// - Parameter note: receives what is left out, for people.
  static func read(_ source: RatingFileSource, note: (String) -> Void) throws -> RatingMatrix {
    var log = RatingLog()
    let report: FileReport
    do throws(DataFileError) { report = try fill(&log, from: source) } catch {
      throw CommandFailure(.failure, error.description)
    }
    let refusal = LoadReport(ratings: report).refusal(
      skipsInvalid: source.skipsInvalid, hasScale: source.scale != nil)
    if let refusal { throw CommandFailure(.failure, refusal) }
    if report.invalid > 0 { note("\(report.invalid) rows are left out\n\(report.text)") }
    if report.valid > log.count { note("\(report.valid - log.count) events are no ratings") }
    return log.finish()
  }

  private static func fill(_ log: inout RatingLog, from source: RatingFileSource)
    throws(DataFileError) -> FileReport
  {
    let file = try DataSet(path: source.path).ratings
    var reader = try RatingReader(
      file, scale: source.scale, now: SampleGeneration.now(), policy: source.policy)
    var report = reader.report
    var progress = ProgressBar("ratings", unit: "ratings", goal: .fraction)
    while let row = try reader.next() {
      switch row {
      case .valid(let event):
        report.valid += 1
        if event.type == .rating, let movie = event.movie {
          log.append(
            user: event.user, movie: movie, rating: event.rating,
            timeMilliseconds: event.timeMilliseconds)
        }
      case .invalid(let fault): report.add(fault, line: reader.line)
      }
      progress.update(reader.rows, fraction: reader.fraction)
    }
    progress.finish(reader.rows)
    reader.describe(&report)
    return report
  }
}

/// Ratings in files, to train on.
package struct RatingFileSource {
  /// A file, an archive or a directory.
  package let path: String
  /// The top of the rating scale; `nil` for five stars.
  package let scale: Double?
  /// Whether rows that break a rule are left out.
  package let skipsInvalid: Bool
  /// The settings the rows are judged by.
  let policy: ZonedPolicy

  package init(
    path: String, scale: Double? = nil, skipsInvalid: Bool = false,
    policy: ZonedPolicy = ZonedPolicy()
  ) {
    self.policy = policy
    self.path = path
    self.scale = scale
    self.skipsInvalid = skipsInvalid
  }
}

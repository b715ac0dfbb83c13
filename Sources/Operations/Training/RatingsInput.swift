import Console
import KafkaLog
import Pipeline
import Ratings
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

  /// Reads a file with a header, or with the columns user, movie, rating and time.
  static func read(file: String) throws -> RatingMatrix {
    do throws(DataFileError) {
      var reader = try MovieLensFiles(path: file).openRatings()
      var progress = ProgressBar("ratings", unit: "ratings", goal: .fraction)
      let size = Double(max(reader.fileSize, 1))
      var log = RatingLog()
      while let rating = try reader.next() {
        guard EventTime.representable.contains(rating.timeMilliseconds) else {
          throw DataFileError(
            path: file, message: "rating \(log.count + 1) has a time before 1970 or after 9999")
        }
        log.append(
          user: rating.user, movie: rating.movie, rating: rating.rating,
          timeMilliseconds: rating.timeMilliseconds)
        progress.update(log.count, fraction: Double(reader.bytesRead) / size)
      }
      progress.finish(log.count)
      return log.finish()
    } catch {
      throw CommandFailure(.failure, error.description)
    }
  }
}

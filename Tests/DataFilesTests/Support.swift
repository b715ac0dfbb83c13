import Ratings
import Recommender
import TestSupport
import Testing

@testable import DataFiles

/// 2026-01-01
let today: Int64 = 1_767_225_600_000

/// A rating as it would be loaded.
struct Loaded: Hashable, CustomStringConvertible {
  var user: Int64
  var movie: Int64
  var stars: Double
  var seconds: Double

  init(_ user: Int64, _ movie: Int64, _ stars: Double, _ seconds: Double) {
    self.user = user
    self.movie = movie
    self.stars = stars
    self.seconds = seconds
  }

  init(_ event: RatingEvent) {
    self.init(
      event.user, event.movie ?? -1, event.rating?.stars ?? -1,
      Double(event.timeMilliseconds) / 1000)
  }

  var description: String { "\(user),\(movie),\(stars),\(seconds)" }
}

/// What reading a file has brought.
struct Contents {
  var ratings: [Loaded] = []
  /// `LINE: message`
  var faults: [String] = []
  var rules: [[String]] = []
  var report = FileReport(file: "", layout: "", separator: "", encoding: "")

  /// Reads the ratings of a directory with these files, or of the one named.
  init(
    _ files: [String: [UInt8]], path: String? = nil, scale: Double? = nil,
    policy: ZonedPolicy = ZonedPolicy()
  ) throws {
    let tree = try FileTree(files)
    let set = try DataSet(path: path.map { "\(tree.path)/\($0)" } ?? tree.path)
    var reader = try RatingReader(set.ratings, scale: scale, now: today, policy: policy)
    while let row = try reader.next() {
      switch row {
      case .valid(let event): ratings.append(Loaded(event))
      case .invalid(let fault):
        faults.append("\(reader.line): \(fault.message)")
        rules.append(fault.rules)
      }
    }
    #expect(reader.fraction == 1)
    report = try FileJudge.judge(
      try RatingReader(set.ratings, scale: scale, now: today, policy: policy))
    #expect(report.rows == ratings.count + faults.count)
    #expect(report.valid == ratings.count && report.invalid == faults.count)
  }

  init(
    _ text: String, name: String = "ratings.csv", scale: Double? = nil,
    policy: ZonedPolicy = ZonedPolicy()
  ) throws {
    try self.init([name: Array(text.utf8)], path: name, scale: scale, policy: policy)
  }
}

/// A movie as it would be loaded.
struct LoadedMovie: Hashable {
  var id: Int64
  var title: String
  var genres: String

  init(_ id: Int64, _ title: String, _ genres: String) {
    self.id = id
    self.title = title
    self.genres = genres
  }
}

/// The movies of a file, and the faults in it as `LINE: message`.
func movies(_ content: [UInt8], name: String = "movies.csv") throws -> (
  movies: [LoadedMovie], faults: [String]
) {
  let tree = try FileTree([name: content])
  var reader = try MovieReader(DataFile(path: "\(tree.path)/\(name)"))
  var movies: [LoadedMovie] = []
  var faults: [String] = []
  while let row = try reader.next() {
    switch row {
    case .valid(let movie): movies.append(LoadedMovie(movie.movie, movie.title, movie.genres))
    case .invalid(let fault): faults.append("\(reader.line): \(fault.message)")
    }
  }
  return (movies, faults)
}

/// The message of what `body` throws, without the path.
func refusal(_ body: () throws -> some Any) -> String? {
  do {
    _ = try body()
    return nil
  } catch {
    return (error as? DataFileError)?.message ?? "\(error)"
  }
}

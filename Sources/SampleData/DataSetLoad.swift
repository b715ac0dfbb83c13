import Console
package import DataFiles
package import Ratings
import Recommender

/// Sends the movies and ratings of files somewhere, after having judged all of them.
package struct DataSetLoad {
  private let files: DataSet
  /// Ratings per second; `nil` is as fast as it goes.
  private let rate: Double?
  private let limit: Int
  private let key: RatingKey
  private let scale: Double?
  private let policy: ZonedPolicy

  /// - Parameters:
  ///   - limit: ratings after which to stop; `nil` for none.
  ///   - scale: the top of the files' rating scale; `nil` for five stars.
  ///   - policy: of the intake that will read the events.
  package init(
    _ files: DataSet, key: RatingKey = .user, rate: Double? = nil, limit: Int? = nil,
    scale: Double? = nil, policy: ZonedPolicy = ZonedPolicy()
  ) {
    self.files = files
    self.key = key
    self.rate = rate
    self.limit = limit ?? .max
    self.scale = scale
    self.policy = policy
  }

  private func openRatings() throws(DataFileError) -> RatingReader {
    try RatingReader(
      files.ratings, scale: scale, now: SampleGeneration.now(), policy: policy)
  }

  /// Reads everything that would be loaded, and says what it is.
  package func judge() throws(DataFileError) -> LoadReport {
    // Both are looked at before either is read to its end.
    let ratings = try openRatings()
    var movies: FileReport?
    if let file = files.movies {
      let reader = try MovieReader(file)
      var progress = ProgressBar("checking movies", unit: "rows", goal: .fraction)
      movies = try FileJudge.judge(reader) { progress.update($0, fraction: $1) }
      progress.close(movies?.rows ?? 0)
    }
    var progress = ProgressBar("checking ratings", unit: "rows", goal: .fraction)
    let report = try FileJudge.judge(ratings, limit: max(limit, 1)) { rows, fraction in
      progress.update(rows, fraction: fraction)
    }
    progress.close(report.rows)
    return LoadReport(ratings: report, movies: movies)
  }

  /// Sends the rows that are valid.
  ///
  /// - Parameter report: of `judge`.
  package func load(_ report: LoadReport, to destination: some Destination) throws -> DataSummary {
    var summary = DataSummary()
    if let movies = files.movies {
      summary.movies = try loadMovies(try MovieReader(movies), to: destination)
    }
    try loadRatings(try openRatings(), to: destination, summary: &summary)
    summary.skipped = report.invalid
    guard summary.ratings == min(report.ratings.valid, limit),
      summary.movies == report.movies?.valid ?? 0
    else {
      throw DataFileError(
        path: files.ratings.path, message: "it was changed while it was loaded: load it again")
    }
    return summary
  }

  /// - Returns: how many there were. They are stored before the first rating is sent, so that the
  ///   daemon knows a rated movie's genres.
  private func loadMovies(_ reader: consuming MovieReader, to destination: some Destination) throws
    -> Int
  {
    var progress = ProgressBar("movies", unit: "movies")
    var key: [UInt8] = []
    var count = 0
    while let row = try reader.next() {
      guard case .valid(let movie) = row else { continue }
      key.removeAll(keepingCapacity: true)
      EventText.appendKey(movie.movie, to: &key)
      try destination.send(.movies, key: key.span.bytes, value: reader.record)
      count += 1
      progress.update(count)
    }
    try destination.flush()
    progress.finish(count)
    return count
  }

  private func loadRatings(
    _ reader: consuming RatingReader, to destination: some Destination, summary: inout DataSummary
  ) throws {
    var progress = ProgressBar("ratings", unit: "ratings", goal: .fraction)
    let pacing = rate.map { Pacing(perSecond: $0) }
    let start = ContinuousClock.now
    var keyText: [UInt8] = []
    var count = 0
    while count < limit, let row = try reader.next() {
      guard case .valid(let event) = row else { continue }
      pacing?.wait(after: count, since: start) {
        progress.refresh(count, fraction: Self.fraction(count, of: limit, read: reader.fraction))
      }
      if key == .user {
        keyText.removeAll(keepingCapacity: true)
        EventText.appendKey(event.user, to: &keyText)
        try destination.send(.ratings, key: keyText.span.bytes, value: reader.event)
      } else {
        try destination.send(.ratings, key: nil, value: reader.event)
      }
      count += 1
      progress.update(
        count, fraction: Self.fraction(count, of: limit, read: reader.fraction))
    }
    try destination.flush()
    summary.ratings = count
    summary.finish(ratingsIn: progress.elapsed)
    progress.finish(count)
  }

  /// How much is done, 0...1: the limit or the file's end comes first.
  static func fraction(_ count: Int, of limit: Int, read: Double) -> Double {
    max(Double(count) / Double(max(limit, 1)), read)
  }
}

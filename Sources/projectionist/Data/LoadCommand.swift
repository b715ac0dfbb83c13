import ArgumentParser
import Console
import Pipeline

/// `projectionist load`
struct LoadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load",
    abstract: "Produce the movies and ratings of a MovieLens download.",
    discussion: """
      Reads ratings.csv and movies.csv, or ratings.dat and movies.dat, of a directory, or one \
      ratings file with the columns userId, movieId, rating, timestamp:

        projectionist load ml-latest-small
        projectionist load ratings.csv --rate 5000 --limit 100000
      """)

  @Argument(help: "A MovieLens directory, or a file of ratings.", completion: .file())
  var path: String
  @Option(help: "Ratings per second; as fast as it goes by default.")
  var rate: Double?
  @Option(help: "Stop after so many ratings.")
  var limit: Int?
  @Option(help: "The ratings' key: user keeps each user's order; none is null.")
  var key = RatingKey.user
  @Flag(help: "Print a summary as JSON at the end.")
  var json = false
  @OptionGroup var common: CommonOptions

  func validate() throws {
    try NumberBounds.rate.check(rate, "--rate")
    try (0...NumberBounds.events.upperBound).check(limit, "--limit")
  }

  func run() throws {
    do {
      let files = try MovieLensFiles(path: path)
      let topics = files.movies == nil ? [.ratings] : DataTopic.allCases
      let summary = try load(files, to: common.bulkDestination("load", topics))
      if json { print(try JSONText.of(summary)) }
    } catch let error as DataFileError {
      throw CommandFailure(.failure, error.description)
    }
  }

  private func load(_ files: MovieLensFiles, to destination: some Destination) throws
    -> DataSummary
  {
    var summary = DataSummary()
    if let movies = try files.openMovies() {
      summary.movies = try loadMovies(movies, to: destination)
    }
    try loadRatings(try files.openRatings(), to: destination, summary: &summary)
    return summary
  }

  /// - Returns: how many there were. They are stored before the first rating is sent, so that the
  ///   daemon knows a rated movie's genres.
  private func loadMovies(_ reader: consuming MovieReader, to destination: some Destination) throws
    -> Int
  {
    var progress = ProgressBar("movies", unit: "movies")
    var key: [UInt8] = []
    var value: [UInt8] = []
    var count = 0
    while let movie = try reader.next() {
      key.removeAll(keepingCapacity: true)
      value.removeAll(keepingCapacity: true)
      EventText.appendKey(movie.id, to: &key)
      EventText.appendMovie(movie.id, title: movie.title, genres: movie.genres, to: &value)
      try destination.send(.movies, key: key.span.bytes, value: value.span.bytes)
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
    var value: [UInt8] = []
    var count = 0
    var fraction = 0.0
    while count < limit ?? .max, let rating = try reader.next() {
      pacing?.wait(after: count, since: start) {
        progress.refresh(count, fraction: fraction)
      }
      value.removeAll(keepingCapacity: true)
      EventText.appendRating(
        user: rating.user, movie: rating.movie, rating: rating.rating,
        timeMilliseconds: rating.timeMilliseconds, to: &value)
      if key == .user {
        keyText.removeAll(keepingCapacity: true)
        EventText.appendKey(rating.user, to: &keyText)
        try destination.send(.ratings, key: keyText.span.bytes, value: value.span.bytes)
      } else {
        try destination.send(.ratings, key: nil, value: value.span.bytes)
      }
      count += 1
      fraction = Self.fraction(
        count, of: limit, bytesRead: reader.bytesRead, fileSize: reader.fileSize)
      progress.update(count, fraction: fraction)
    }
    try destination.flush()
    summary.ratings = count
    summary.finish(ratingsIn: progress.elapsed)
    progress.finish(count)
  }

  /// How much is done, 0...1: the limit or the file's end comes first.
  static func fraction(_ count: Int, of limit: Int?, bytesRead: Int, fileSize: Int) -> Double {
    let ofLimit = limit.map { Double(count) / Double(max($0, 1)) } ?? 0
    return max(ofLimit, Double(bytesRead) / Double(max(fileSize, 1)))
  }
}

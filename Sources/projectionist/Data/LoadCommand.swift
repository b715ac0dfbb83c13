import ArgumentParser
import Console
import SampleData

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
      let summary = try MovieLensLoad(key: key, rate: rate, limit: limit).load(
        files, to: common.bulkDestination("load", topics))
      if json { print(try JSONText.of(summary)) }
    } catch let error as DataFileError {
      throw CommandFailure(.failure, error.description)
    }
  }
}

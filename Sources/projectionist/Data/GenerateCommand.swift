import ArgumentParser
import Configuration
import Console
import Foundation
import Ratings
import SampleData

/// `projectionist generate`
struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Make up movies and ratings of any size.",
    discussion: """
      Users and movies are as unequal as those of MovieLens, and the same seed gives the same \
      events. They go to the topics movies and user-ratings, or into files of JSON lines:

        projectionist generate --ratings 1000000 --invalid 1%
        projectionist generate --live --rate 1000 --ratings 60000 --ratings-only
        projectionist generate --output ratings.jsonl --movies-output movies.jsonl
      """)

  @Option(help: "How many ratings, invalid ones included.")
  var ratings = 100_000
  @Option(help: "Users are 1 to this.")
  var users = RatingGenerator.Settings().users
  @Option(help: "Movies are 1 to this.")
  var movies = RatingGenerator.Settings().movies
  @Option(help: "The same seed gives the same events.")
  var seed: UInt64 = 1
  @Option(help: "The share of events that are bad, in many ways.")
  var invalid = Share(0)
  @Option(help: "The share of events that rate a movie again.")
  var reRatings = Share(0)
  @Option(help: "The share of events that take a rating back.")
  var retractions = Share(0)
  @Option(help: "Event time of the first rating, ISO 8601.")
  var start = "2015-01-01"
  @Option(help: "Event time after the last rating, ISO 8601.")
  var end = "2025-01-01"
  @Flag(help: "Event time is the time of day, instead of start to end.")
  var live = false
  @Option(help: "Ratings per second; as fast as it goes by default.")
  var rate: Double?
  @Option(help: "The ratings' key: none or user.")
  var key = RatingKey.none
  @Flag(help: "Produce no movies before the ratings.")
  var ratingsOnly = false
  @Option(help: "Write ratings to this file and not to the broker; - is standard output.")
  var output: String?
  @Option(help: "Write movies to this file and not to the broker; - is standard output.")
  var moviesOutput: String?
  @Flag(help: "Print a summary as JSON at the end.")
  var json = false
  @OptionGroup var common: CommonOptions

  func validate() throws {
    try NumberBounds.ids.check(users, "--users")
    try NumberBounds.ids.check(movies, "--movies")
    try (0...NumberBounds.events.upperBound).check(ratings, "--ratings")
    guard invalid.value + reRatings.value + retractions.value <= 1 else {
      throw ValidationError(
        "--invalid, --re-ratings and --retractions are more than 100% together.")
    }
    try NumberBounds.rate.check(rate, "--rate")
    _ = try span()
  }

  func run() throws {
    if output == nil && moviesOutput == nil {
      let topics = ratingsOnly ? [.ratings] : DataTopic.allCases
      try write(to: common.bulkDestination("generate", topics), topics: topics)
    } else {
      let topics: [DataTopic] =
        (moviesOutput == nil ? [] : [.movies]) + (output == nil ? [] : [.ratings])
      try write(to: FileDestination(movies: moviesOutput, ratings: output), topics: topics)
    }
  }

  private func write(to destination: some Destination, topics: [DataTopic]) throws {
    let summary = try SampleGeneration(try settings(), key: key, rate: rate, isLive: live)
      .write(to: destination, topics: topics)
    if json {
      let text = Data((try JSONText.of(summary) + "\n").utf8)
      let isTaken = output == "-" || moviesOutput == "-"
      (isTaken ? FileHandle.standardError : .standardOutput).write(text)
    }
  }

  private func settings() throws -> RatingGenerator.Settings {
    var settings = RatingGenerator.Settings()
    settings.users = users
    settings.movies = movies
    settings.seed = seed
    settings.events = ratings
    settings.invalidShare = invalid.value
    settings.reRatingShare = reRatings.value
    settings.retractionShare = retractions.value
    settings.times = try span()
    return settings
  }

  private func span() throws -> Range<Int64> {
    guard let first = EventTime.milliseconds(iso8601: Array(start.utf8).span.bytes),
      let last = EventTime.milliseconds(iso8601: Array(end.utf8).span.bytes),
      EventRules.earliestTimeMilliseconds <= first, first < last, last <= SampleGeneration.now()
    else {
      throw ValidationError("--start and --end are ISO 8601, from 1995 to now, in this order.")
    }
    return first..<last
  }
}

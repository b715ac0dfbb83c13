import ArgumentParser
import Codecs
import Configuration
import Console
import Foundation
import KafkaLog
import Operations
import Pipeline
import Recommender
import Wiring

/// `projectionist predict USER`: sends one request over the topics and prints its reply.
struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Ask the running daemon for a user's recommendations.",
    discussion: """
      Sends a record to recommendation-requests and waits for the reply on recommendations, as any \
      client would. Exits with 69 if no reply arrives in time. The last line has what \
      `projectionist explain` needs to compute the same answer again.

      Scores of a personal list are the model's, and only tell which movie is before which; those \
      of a popular one are in stars.
      """)

  @OptionGroup var common: CommonOptions

  @Argument(help: "The user's id.") var user: Int64

  @Option(name: [.customShort("n"), .long], help: "How many movies, 1 to 100.")
  var count = RecommendationRequest.defaultCount

  @Option(
    help: ArgumentHelp(
      "Only movies with at least one of these genres; may be repeated.",
      valueName: "Comedy,Drama,…"))
  var genres: [String] = []

  @Flag(help: "Include movies that the user has rated.") var includeRated = false

  @Flag(help: "Also show the user's best-rated movies.") var history = false

  @Option(
    help: ArgumentHelp(
      "The model to answer with, one of those the daemon keeps; the promoted one by default.",
      valueName: "version"))
  var model: String?

  @Option(help: ArgumentHelp("How long to wait for the reply.", valueName: "seconds"))
  var timeout = 10.0

  @Flag(help: "Print the reply's JSON unchanged.") var json = false

  func validate() throws {
    guard timeout > 0, timeout <= 86_400 else {
      throw ValidationError("--timeout must be above 0 and at most 86,400 seconds.")
    }
    guard genres.allSatisfy({ !GenreNames.list($0).isEmpty }) else {
      throw ValidationError("--genres names no genre: leave it out for all of them.")
    }
  }

  /// What is sent. The daemon validates it.
  var request: RecommendationRequest {
    RecommendationRequest(
      user: user, count: count, excludesRated: !includeRated,
      genres: genres.flatMap(GenreNames.list), includesHistory: history,
      modelVersion: model)
  }

  func run() throws {
    let (settings, logger) = try common.start("predict")
    let log = settings.makeQuietLog(logger)
    let admin = try settings.makeAdmin(logger)
    _ = try admin.cluster()
    try settings.requireTopics([.requests, .recommendations], admin)
    let request = request
    try GenreCheck.check(
      request.genres, log, settings.topology, clientID: "projectionist-predict")
    let client = try RequestClient(log, settings.topology, clientID: "projectionist-predict")
    defer { client.close() }
    var value = JSONWriter()
    request.write(to: &value)
    guard
      let reply = try client.ask(
        key: "\(user)", value: value.copyBytes(), timeout: .seconds(timeout))
    else {
      throw CommandFailure(
        .unavailable,
        "no reply within \(timeout) s: is `projectionist run` running with the predict stage?")
    }
    if json {
      print(String(decoding: reply.value, as: UTF8.self))
      if try ReplyRecord(reply.value).error != nil { throw ExitCode(ExitStatus.failure.rawValue) }
    } else {
      print(try Self.text(of: reply.value), terminator: "")
      print(
        "to explain: projectionist explain --partition \(reply.partition) --offset \(reply.offset)")
    }
  }

  /// The reply as tables for people.
  ///
  /// - Throws: `CommandFailure` with the reply's message for an error reply.
  static func text(of reply: [UInt8]) throws -> String {
    let reply = try ReplyRecord(reply)
    if let error = reply.error {
      throw CommandFailure(.failure, "\(error.code): \(error.message)")
    }
    var text = movies(reply.recommendations ?? [], scores: reply.scoreType)
    if let history = reply.history {
      var table = TextTable(["RATED", "MOVIE", "TITLE", "GENRES"], rightAligned: [0, 1])
      for movie in history {
        table.append(["\(movie.rating)", "\(movie.movieID)", movie.title, movie.genres])
      }
      text += "\n\(table.description)"
    }
    var facts = "strategy \(reply.strategy ?? "")"
    if let reason = reply.reason { facts += " (\(reason))" }
    if let version = reply.modelVersion { facts += ", model \(version)" }
    facts += ", state offset \(reply.stateOffset ?? 0)"
    facts += ", \(String(format: "%.2f", reply.latencyMs ?? 0)) ms in the daemon\n"
    return text + facts
  }

  private static func movies(_ movies: [ReplyRecord.Movie], scores: String?) -> String {
    let score = scores == ScoreType.stars.rawValue ? "STARS" : "MODEL SCORE"
    var table = TextTable(["RANK", "MOVIE", score, "TITLE", "GENRES"], rightAligned: [0, 1, 2])
    for (rank, movie) in movies.enumerated() {
      table.append([
        "\(rank + 1)", "\(movie.movieID)", String(format: "%.4f", movie.score), movie.title,
        movie.genres,
      ])
    }
    return table.description
  }
}

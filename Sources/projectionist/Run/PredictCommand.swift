import ArgumentParser
import EventLog
import Foundation
import KafkaLog
import Pipeline
import Recommender

/// `projectionist predict USER`: one request over the topics, and its reply.
struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Ask the running daemon for a user's recommendations.",
    discussion: """
      Sends a record to recommendation-requests and waits for its reply on recommendations, as any \
      client would. Exits with 69 when no reply comes in time.
      """)

  @OptionGroup var common: CommonOptions

  @Argument(help: "The user's id.") var user: Int64

  @Option(name: .shortAndLong, help: "How many movies, 1 to 100.")
  var count = RecommendationRequest.defaultCount

  @Option(help: ArgumentHelp("How long to wait for the reply.", valueName: "seconds"))
  var timeout = 10.0

  @Flag(help: "Print the reply as it came.") var json = false

  func run() throws {
    let (settings, logger) = try common.start("predict")
    let client = try RequestClient(
      KafkaLog(settings: settings.kafkaSettings, logger: logger), clientID: "projectionist-predict")
    defer { client.close() }
    let value = Array(#"{"user_id":\#(user),"num_recommendations":\#(count)}"#.utf8)
    guard let reply = try client.ask(key: "\(user)", value: value, timeout: .seconds(timeout))
    else {
      throw CommandFailure(
        .unavailable,
        "no reply within \(timeout) s: is `projectionist run` running, with the predict stage?")
    }
    if json { return print(String(decoding: reply, as: UTF8.self)) }
    try print(reply)
  }

  private func print(_ text: String) { Swift.print(text) }

  private func print(_ reply: [UInt8]) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let parsed = try decoder.decode(Reply.self, from: Data(reply))
    if let error = parsed.error {
      throw CommandFailure(.failure, "\(error.code): \(error.message)")
    }
    var table = TextTable(["RANK", "MOVIE", "SCORE", "TITLE", "GENRES"], rightAligned: [0, 1, 2])
    for (rank, movie) in (parsed.recommendations ?? []).enumerated() {
      table.append([
        "\(rank + 1)", "\(movie.movieID)", String(format: "%.4f", movie.score), movie.title,
        movie.genres,
      ])
    }
    Swift.print(table.description, terminator: "")
    Swift.print(
      "strategy \(parsed.strategy ?? ""), state offset \(parsed.stateOffset ?? 0),"
        + " \(String(format: "%.2f", parsed.latencyMs ?? 0)) ms in the daemon")
  }

  /// The reply's fields.
  private struct Reply: Decodable {
    struct Failure: Decodable {
      var code: String
      var message: String
    }

    struct Movie: Decodable {
      enum CodingKeys: String, CodingKey {
        case movieID = "movieId"
        case title, genres, score
      }

      var movieID: Int64
      var title: String
      var genres: String
      var score: Double
    }

    var error: Failure?
    var recommendations: [Movie]?
    var strategy: String?
    var stateOffset: Int64?
    var latencyMs: Double?
  }
}

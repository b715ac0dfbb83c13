import ArgumentParser
import Console
import Foundation
import Operations
import Ratings
import RedisProjection
import Wiring

/// `projectionist features USER`: what the state store holds, and what Redis does.
struct FeaturesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "features",
    abstract: "Show a user's or a movie's features, from the state store and from Redis.",
    discussion: """
      Reads the store of a running daemon, on its machine. Exits with 1 when neither side knows \
      the id.
      """)

  @OptionGroup var common: CommonOptions

  @Argument(help: "The user's id, or with --movie the movie's.") var id: Int64

  @Flag(help: "The id is a movie's.") var movie = false

  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let (settings, _) = try common.start("features")
    let view = movie ? FeatureSchema.movie : .user
    let stored = try StoredFeatures(settings.storage).find(id, isMovie: movie)
    // What the state store has is worth the most when Redis is away.
    let (projected, failure) = try ProjectedFeatures.read(id, isMovie: movie, settings)
    if stored == nil, let failure { throw failure }
    guard stored != nil || projected != nil else {
      throw CommandFailure(
        .failure, "\(view.joinKey) \(id) has no features, in the state store or in Redis")
    }
    let rows = view.features.enumerated().map { index, feature in
      FeatureOutput(
        feature: feature.name, state: stored.flatMap { ShownFeature($0.value(index)) },
        redis: projected?.values[index].map { ShownFeature($0) })
    }
    if json {
      print(try JSONText.of(rows))
    } else {
      var table = TextTable(["FEATURE", "STATE", "REDIS"], rightAligned: [1, 2])
      for row in rows { table.append([row.feature, Self.text(row.state), Self.text(row.redis)]) }
      print(table.description, terminator: "")
    }
    if let failure { throw failure }
  }

  private static func text(_ value: ShownFeature?) -> String { value?.description ?? "-" }
}

/// One line of the comparison.
struct FeatureOutput: Encodable {
  var feature: String
  var state: ShownFeature?
  var redis: ShownFeature?
}

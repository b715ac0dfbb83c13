import Console
import Foundation
package import Pipeline
package import Recommender

/// The output of `models list --json`.
package struct ModelListOutput: Encodable {
  package struct Model: Encodable {
    var version: String
    var serves: Bool
    var factors: Int
    var users: Int
    var movies: Int
    var ratings: Int
    var newestRatingMilliseconds: Int64
    var trainedTo: [Int64]
    var ndcgAt10: Double?
    var bytes: Int

    private enum CodingKeys: String, CodingKey {
      case version, serves, factors, users, movies, ratings, bytes
      case newestRatingMilliseconds = "newest_rating_ms"
      case trainedTo = "trained_to"
      case ndcgAt10 = "ndcg_at_10"
    }
  }

  package struct Incomplete: Encodable {
    package var version: String
    var partsPresent: Int
    var partsExpected: Int?

    private enum CodingKeys: String, CodingKey {
      case version
      case partsPresent = "parts_present"
      case partsExpected = "parts_expected"
    }
  }

  package var promoted: String?
  package var previous: [String]
  package var models: [Model]
  package var incomplete: [Incomplete]
  var faults: [String]

  package init(_ catalog: ModelCatalog) {
    promoted = catalog.assembler.promotion?.version
    previous = catalog.assembler.promotion?.previous ?? []
    models = catalog.sorted.map { metadata in
      Model(
        version: metadata.version,
        serves: metadata.version == catalog.assembler.promotion?.version,
        factors: metadata.parameters.factors, users: metadata.users, movies: metadata.movies,
        ratings: metadata.ratings, newestRatingMilliseconds: metadata.newestRatingMilliseconds,
        trainedTo: metadata.trainedTo, ndcgAt10: metadata.metrics?.ndcgAt10,
        bytes: metadata.byteCount)
    }
    incomplete = catalog.assembler.incomplete.map {
      Incomplete(
        version: $0.version, partsPresent: $0.partsPresent, partsExpected: $0.partsExpected)
    }
    faults = catalog.faults.map(\.description)
  }
}

extension ModelCatalog {
  /// The complete models, the newest first.
  var sorted: [ModelMetadata] {
    assembler.models.values.map(\.metadata).sorted(by: ModelMetadata.isNewer)
  }

  /// All models as a table for people.
  package var table: String {
    var table = TextTable(
      ["VERSION", "STATUS", "FACTORS", "USERS", "MOVIES", "RATINGS", "NDCG@10"],
      rightAligned: [2, 3, 4, 5, 6])
    let promotion = assembler.promotion
    for metadata in sorted {
      let status =
        metadata.version == promotion?.version
        ? "serves" : promotion?.previous.contains(metadata.version) == true ? "served" : "candidate"
      table.append([
        metadata.version, status, "\(metadata.parameters.factors)", "\(metadata.users)",
        "\(metadata.movies)", "\(metadata.ratings)",
        metadata.metrics.map { String(format: "%.4f", $0.ndcgAt10) } ?? "",
      ])
    }
    for model in assembler.incomplete {
      let expected = model.partsExpected.map { " of \($0)" } ?? ", no metadata"
      table.append([model.version, "incomplete: \(model.partsPresent) parts\(expected)"])
    }
    var text = table.description
    if let promotion, assembler.models[promotion.version] == nil {
      text += "\(promotion.version) is promoted but incomplete: popularity serves\n"
    }
    for fault in faults { text += "\(fault)\n" }
    return text
  }
}

extension ModelMetadata {
  /// The whole record as a table for people.
  package func table(isPromoted: Bool) -> String {
    var table = TextTable([version, isPromoted ? "serves" : ""])
    table.append(["users", "\(users)"])
    table.append(["movies", "\(movies)"])
    table.append(["ratings", "\(ratings)"])
    table.append(["mean rating", String(format: "%.4f", meanRating)])
    table.append(["newest rating", Self.text(ofMilliseconds: newestRatingMilliseconds)])
    let offsets = trainedTo.enumerated().map { "\($0.offset):\($0.element)" }
    table.append(["trained to", offsets.joined(separator: ",")])
    for (name, value) in parameters.settings { table.append([name, value]) }
    table.append(["loss", String(format: "%.5f", loss)])
    table.append(["parts", "\(partChecksums.count), \(byteCount) bytes"])
    if !search.isEmpty { table.append(["settings tried", "\(search.count)"]) }
    for trial in search where trial.isKept { table.append(["  kept", trial.description]) }
    guard let metrics else { return table.description }
    for (name, model, popular) in [
      ("precision@10", metrics.precisionAt10, popularityMetrics?.precisionAt10),
      ("recall@10", metrics.recallAt10, popularityMetrics?.recallAt10),
      ("NDCG@10", metrics.ndcgAt10, popularityMetrics?.ndcgAt10),
      ("AUC", metrics.auc, popularityMetrics?.auc),
    ] {
      let other = popular.map { String(format: " (popularity %.4f)", $0) } ?? ""
      table.append([name, String(format: "%.4f", model) + other])
    }
    return table.description
  }

  private static func text(ofMilliseconds time: Int64) -> String {
    Date(timeIntervalSince1970: Double(time) / 1000).formatted(.iso8601)
  }
}

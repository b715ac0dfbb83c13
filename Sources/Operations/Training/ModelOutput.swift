import Console
import Foundation
package import Pipeline
package import Recommender

/// The output of `models list --json`.
package struct ModelListOutput: Encodable {
  package struct Model: Encodable {
    var version: String
    var serves: Bool
    /// What it is there for, if anything.
    var role: String?
    /// What was decided about it last, and why.
    var decision: String?
    var reason: String?
    var decidedMilliseconds: Int64?
    var factors: Int
    var users: Int
    var movies: Int
    var ratings: Int
    var newestRatingMilliseconds: Int64
    var trainedTo: [Int64]
    var ndcgAt10: Double?
    var bytes: Int

    private enum CodingKeys: String, CodingKey {
      case version, serves, role, decision, reason, factors, users, movies, ratings, bytes
      case decidedMilliseconds = "decided_at_ms"
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
  var candidate: String?
  var shadow: String?
  package var previous: [String]
  package var models: [Model]
  package var incomplete: [Incomplete]
  var faults: [String]

  package init(_ catalog: ModelCatalog) {
    promoted = catalog.assembler.promotion?.version
    candidate = catalog.assembler.roles[.candidate]?.version
    shadow = catalog.assembler.roles[.shadow]?.version
    previous = catalog.assembler.promotion?.previous ?? []
    models = catalog.sorted.map { metadata in
      let verdict = catalog.notes.verdicts[metadata.version]
      return Model(
        version: metadata.version,
        serves: metadata.version == catalog.assembler.promotion?.version,
        role: catalog.role(of: metadata.version)?.rawValue, decision: verdict?.decision.rawValue,
        reason: verdict?.reason, decidedMilliseconds: verdict?.milliseconds,
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
      table.append([
        metadata.version, status(of: metadata.version), "\(metadata.parameters.factors)",
        "\(metadata.users)",
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

extension ModelCatalog {
  /// What a model is there for; of several roles the one that is seen most. `nil` for none.
  func role(of version: String) -> ModelRole? {
    [ModelRole.serving, .shadow, .candidate].first { assembler.roles[$0]?.version == version }
  }

  /// What a model is, in a word.
  func status(of version: String) -> String {
    switch role(of: version) {
    case .serving: "serves"
    case .shadow: "shadow"
    case .candidate: "candidate"
    case nil: assembler.promotion?.previous.contains(version) == true ? "served" : "published"
    }
  }

  /// A model's record, its role and what was decided about it, as tables for people.
  package func table(of model: ModelMetadata) -> String {
    let version = model.version
    var text = model.table(status: status(of: version))
    if let role = role(of: version), let promotion = assembler.roles[role],
      !promotion.reason.isEmpty
    {
      text +=
        "\(role.rawValue)\(promotion.milliseconds.map { " since \($0.dateText)" } ?? ""):"
        + " \(promotion.reason)\n"
    }
    if let verdict = notes.verdicts[version] { text += verdict.table }
    return text
  }
}

extension ModelVerdict {
  /// What was decided, when, against what, and by which measures.
  var table: String {
    var text = "\(decision.rawValue) \(milliseconds.dateText)"
    if let against { text += " next to \(against)" }
    text += ": \(reason)\n"
    guard settings != nil || models != nil || hits != nil else { return text }
    var table = TextTable(["MEASURE", "IT", "SERVING"], rightAligned: [1, 2])
    for (name, mine, other) in measures { table.append([name, mine, other]) }
    return text + table.description
  }

  /// By name: its own, and what it was held against.
  var measures: [(name: String, own: String, other: String)] {
    func text(_ number: Double) -> String { String(format: "%.4f", number) }
    var rows: [(name: String, own: String, other: String)] = []
    for (what, comparison) in [("settings", settings), ("model", models)] {
      guard let comparison else { continue }
      let (own, other) = (comparison.candidate, comparison.serving)
      rows += [
        ("\(what) NDCG@10", text(own.rated), text(other.rated)),
        ("\(what) NDCG@10 liked", text(own.liked), text(other.liked)),
        ("\(what) disliked share", text(own.dislikedShare), text(other.dislikedShare)),
        ("\(what) users", "\(comparison.users)", "\(comparison.users)"),
      ]
    }
    if let hits {
      rows += [
        ("hits", "\(hits.shadow.all)", "\(hits.live.all)"),
        ("hits liked", "\(hits.shadow.liked)", "\(hits.live.liked)"),
        ("lists judged", "\(hits.judged)", "\(hits.judged)"),
      ]
    }
    return rows
  }
}

extension Int64 {
  /// Milliseconds since 1970 as ISO 8601.
  var dateText: String { Date(timeIntervalSince1970: Double(self) / 1000).formatted(.iso8601) }
}

extension ModelMetadata {
  /// The whole record as a table for people.
  func table(status: String) -> String {
    var table = TextTable([version, status])
    table.append(["users", "\(users)"])
    table.append(["movies", "\(movies)"])
    table.append(["ratings", "\(ratings)"])
    table.append(["mean rating", String(format: "%.4f", meanRating)])
    table.append(["newest rating", newestRatingMilliseconds.dateText])
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
}

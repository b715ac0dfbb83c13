import Codecs
import Console
import Foundation
package import Pipeline
package import Recommender

/// Two models side by side: the output of `models diff --json`.
package struct ModelComparison: Encodable {
  package struct Row: Encodable, Hashable {
    var name: String
    /// Empty for what a model does not have.
    var first: String
    var second: String
    var differs: Bool
  }

  package var first: String
  package var second: String
  package var rows: [Row]

  package init(_ first: String, _ second: String, in catalog: ModelCatalog) throws {
    self.first = first
    self.second = second
    let (one, two) = (try catalog.facts(of: first), try catalog.facts(of: second))
    let names =
      one.map(\.name) + two.map(\.name).filter { name in !one.contains { $0.name == name } }
    rows = names.map { name in
      let (a, b) = (one.first { $0.name == name }?.value, two.first { $0.name == name }?.value)
      return Row(name: name, first: a ?? "", second: b ?? "", differs: a != b)
    }
  }

  /// A table for people, with a mark where they differ.
  package var text: String {
    var table = TextTable(["", first, second, ""])
    for row in rows { table.append([row.name, row.first, row.second, row.differs ? "*" : ""]) }
    return table.description
  }
}

extension ModelCatalog {
  /// What there is to compare of a model, also of a deleted one: its settings, measures and dates.
  fileprivate func facts(of version: String) throws -> [(name: String, value: String)] {
    let metadata: ModelMetadata
    var facts: [(name: String, value: String)] = []
    if let recipe = notes.recipes[version], assembler.models[version] == nil {
      metadata = recipe
      facts.append(("status", "deleted"))
    } else {
      metadata = try model(version).metadata
      facts.append(("status", status(of: version)))
    }
    facts += [
      ("newest rating", metadata.newestRatingMilliseconds.dateText),
      ("users", "\(metadata.users)"), ("movies", "\(metadata.movies)"),
      ("ratings", "\(metadata.ratings)"),
      ("mean rating", String(format: "%.4f", metadata.meanRating)),
      ("trained to", metadata.trainedTo.map { "\($0)" }.joined(separator: ",")),
    ]
    facts += metadata.parameters.settings
    facts.append(("loss", String(format: "%.5f", metadata.loss)))
    if let metrics = metadata.metrics {
      facts += [
        ("precision@10", metrics.precisionAt10), ("recall@10", metrics.recallAt10),
        ("NDCG@10", metrics.ndcgAt10), ("AUC", metrics.auc),
      ].map { ($0, String(format: "%.4f", $1)) }
    }
    facts.append(("bytes", "\(metadata.byteCount)"))
    guard let verdict = notes.verdicts[version] else { return facts }
    facts += [
      ("decision", verdict.decision.rawValue), ("decided", verdict.milliseconds.dateText),
      ("next to", verdict.against ?? "popularity"), ("gate", "\(verdict.gate)"),
    ]
    return facts + verdict.measures.map { ($0.name, "\($0.own) (serving \($0.other))") }
  }
}

/// What was decided about a model: a line of `train --json` as a service.
package struct VerdictOutput {
  private let version: String
  private let verdict: ModelVerdict

  package init(_ version: String, _ verdict: ModelVerdict) {
    self.version = version
    self.verdict = verdict
  }

  /// `{"version":…,"verdict":…}`, the verdict as on the topic.
  package var line: String {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("version")
    writer.string(version)
    writer.key("verdict")
    verdict.write(to: &writer)
    writer.endObject()
    return String(decoding: writer.copyBytes(), as: UTF8.self)
  }
}

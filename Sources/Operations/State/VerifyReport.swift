import Pipeline
import StateStore
import Streams

/// What `state verify` has found of one partition.
package struct VerifyReport: Encodable {
  /// An entry of the store that is not as the log gives it.
  struct Entry: Encodable {
    var table: String
    var key: String
    /// As JSON; absent where there is no entry.
    var stored: String?
    var fromLog: String?
  }

  /// A feature in Redis that is not as the state gives it.
  struct Feature: Encodable {
    var entity: Int64
    var feature: String
    var expected: String?
    var redis: String?
  }

  var stage: String
  var partition: Int32
  var inputOffset: Int64
  var entries: Int
  var differingEntries: Int
  var firstEntries: [Entry] = []
  var redisRows: Int?
  var differingRows: Int?
  /// Rows that have changed in Redis since the comparison began.
  var newerRows: Int?
  /// Movies whose published quality score is under an older prior: the next refresh renews it.
  var unrefreshedMovies: Int?
  var firstFeatures: [Feature] = []
  /// Why Redis could not be compared.
  var redisProblem: String?

  init(_ place: StorePlace, _ outcome: StoreVerification.Outcome) {
    stage = place.stage
    partition = place.partition
    inputOffset = outcome.inputOffset
    entries = outcome.comparison.entries
    differingEntries = outcome.comparison.differing
    for difference in outcome.comparison.differences {
      guard let table = place.schema.tables.first(where: { $0.table == difference.table }) else {
        continue
      }
      var output = EntryOutput(place, table, genres: outcome.genres)
      firstEntries.append(
        Entry(
          table: table.name, key: table.text(ofKey: difference.key.span.bytes),
          stored: difference.left.map { output.value($0.span.bytes) },
          fromLog: difference.right.map { output.value($0.span.bytes) }))
    }
  }

  mutating func add(_ redis: RedisVerification.Outcome) {
    redisRows = redis.rows
    differingRows = redis.differing
    newerRows = redis.newer
    if stage == StageDeclaration.movie.name { unrefreshedMovies = redis.unrefreshed }
    firstFeatures = redis.first.flatMap { row in
      if row.differences.isEmpty {
        return [Feature(entity: row.entity, feature: "(row)", expected: "one", redis: "none")]
      }
      return row.differences.map {
        Feature(
          entity: row.entity, feature: $0.feature, expected: $0.expected.map { "\($0)" },
          redis: $0.found.map { "\($0)" })
      }
    }
  }

  /// Whether everything that was to be compared agrees.
  package var agrees: Bool {
    differingEntries == 0 && differingRows ?? 0 == 0 && redisProblem == nil
  }

  package var text: String {
    let name = "\(stage)[\(partition)]"
    var lines = [
      differingEntries == 0
        ? "\(name): the store and the log agree: \(entries) entries at input offset \(inputOffset)"
        : "\(name): \(differingEntries) of \(entries) entries differ from the log at input offset "
          + "\(inputOffset)"
    ]
    for entry in firstEntries {
      lines.append("  \(entry.table) \(entry.key)")
      lines.append("    store  \(entry.stored ?? "-")")
      lines.append("    log    \(entry.fromLog ?? "-")")
    }
    if let redisProblem { lines.append("\(name): Redis not compared: \(redisProblem)") }
    if let redisRows, let differingRows, let newerRows {
      let newer = newerRows > 0 ? ", \(newerRows) changed meanwhile" : ""
      lines.append(
        differingRows == 0
          ? "\(name): Redis agrees: \(redisRows) rows\(newer)"
          : "\(name): \(differingRows) of \(redisRows) rows differ in Redis\(newer)")
      for feature in firstFeatures {
        lines.append("  \(feature.entity) \(feature.feature)")
        lines.append("    state  \(feature.expected ?? "-")")
        lines.append("    Redis  \(feature.redis ?? "-")")
      }
    }
    if let unrefreshedMovies, unrefreshedMovies > 0 {
      lines.append(
        "\(name): \(unrefreshedMovies) movies have a quality score of before their next refresh")
    }
    return lines.joined(separator: "\n")
  }
}

import Pipeline
import RedisProjection
import StateStore
import Streams

/// What `state verify` has found of one partition.
package struct VerifyReport: Encodable {
  /// An entry of the store that is not as the log gives it.
  struct Entry: Encodable {
    var table: String
    var key: String
    /// As JSON text; absent where there is no entry.
    var stored: String?
    var fromLog: String?
  }

  /// A feature in Redis that is not as the state gives it.
  struct Feature: Encodable {
    var entity: Int64
    var feature: String
    var expected: ShownFeature?
    var redis: ShownFeature?
  }

  package var stage: String
  package var partition: Int32
  /// Why nothing was compared.
  package var problem: String?
  package var inputOffset: Int64
  var entries: Int
  var differingEntries: Int
  var firstEntries: [Entry] = []
  var redisRows: Int?
  /// Rows that are not as the state gives them, of whichever kind.
  var differingRows: Int?
  /// Entities that Redis lacks.
  var missingRows: Int?
  /// Rows of entities that no features stand for.
  var leftOverRows: Int?
  /// Rows fenced beyond the log's end, which no record replaces.
  var fencedRows: Int?
  /// Rows that have changed in Redis since the comparison began.
  var newerRows: Int?
  /// Movies whose published quality score is under an older prior: the next refresh renews it.
  var unrefreshedMovies: Int?
  var firstFeatures: [Feature] = []
  /// Why Redis could not be compared.
  var redisProblem: String?
  /// What to do about each kind of difference.
  var remedies: [String] = []

  /// - Parameter isEmpty: whether there is nothing to compare.
  init(_ place: VerifiedPartition, problem: String? = nil, isEmpty: Bool = false) {
    precondition((problem == nil) == isEmpty)
    stage = place.stage
    partition = place.partition
    self.problem = problem
    inputOffset = 0
    entries = 0
    differingEntries = 0
  }

  init(
    _ verified: VerifiedPartition, _ place: StorePlace, _ outcome: StoreVerification.Outcome
  ) {
    stage = verified.stage
    partition = verified.partition
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

  enum RedisFinding {
    case compared(RedisOutcome)
    /// Why nothing was compared.
    case problem(String)
  }

  /// Adds what is found of Redis. What was found of the store stands where Redis can't be asked.
  mutating func addRedis(_ find: () throws -> RedisFinding) throws {
    do {
      switch try find() {
      case .compared(let outcome): add(outcome)
      case .problem(let problem): redisProblem = problem
      }
    } catch let error as RedisError {
      redisProblem = error.description
    }
  }

  mutating func add(_ redis: RedisOutcome) {
    redisRows = redis.rows
    missingRows = redis.missing
    leftOverRows = redis.leftOver
    fencedRows = redis.fenced
    differingRows = redis.different + redis.missing + redis.leftOver + redis.fenced
    newerRows = redis.newer
    if stage == StageDeclaration.movie.name { unrefreshedMovies = redis.unrefreshed }
    firstFeatures = Self.features(of: redis)
  }

  static func features(of redis: RedisOutcome) -> [Feature] { redis.first.flatMap(features) }

  private static func features(of row: RedisOutcome.Row) -> [Feature] {
    switch row.fault {
    case .missing:
      return [
        Feature(entity: row.entity, feature: "(row)", expected: .text("one"), redis: .text("none"))
      ]
    case .leftOver:
      return [
        Feature(entity: row.entity, feature: "(row)", expected: .text("none"), redis: .text("one"))
      ]
    case .fenced(let fence):
      return [
        Feature(
          entity: row.entity, feature: "(fence)", expected: .text("below the log's end"),
          redis: .text("epoch \(fence.generation), offset \(fence.offset)"))
      ]
    case .different(let differences):
      return differences.map {
        Feature(
          entity: row.entity, feature: $0.feature,
          expected: $0.expected.map { ShownFeature($0) }, redis: $0.found.map { ShownFeature($0) })
      }
    }
  }

  /// Whether everything that was to be compared agrees.
  package var agrees: Bool {
    problem == nil && differingEntries == 0 && differingRows ?? 0 == 0 && redisProblem == nil
  }

  package var text: String {
    let name = "\(stage)[\(partition)]"
    let lines =
      problem.map { ["\(name): not compared: \($0)"] } ?? storeLines(name) + redisLines(name)
    return (lines + remedies.map { "  → \($0)" }).joined(separator: "\n")
  }

  private func storeLines(_ name: String) -> [String] {
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
    return lines
  }

  private func redisLines(_ name: String) -> [String] {
    var lines: [String] = []
    if let redisProblem { lines.append("\(name): Redis not compared: \(redisProblem)") }
    if let redisRows, let differingRows, let newerRows {
      let newer = newerRows > 0 ? ", \(newerRows) changed meanwhile" : ""
      lines.append(
        differingRows == 0
          ? "\(name): Redis agrees: \(redisRows) rows\(newer)"
          : "\(name): \(differingRows) rows differ in Redis\(faults), of \(redisRows) in the state\(newer)"
      )
      for feature in firstFeatures {
        lines.append("  \(feature.entity) \(feature.feature)")
        lines.append("    state  \(feature.expected?.description ?? "-")")
        lines.append("    Redis  \(feature.redis?.description ?? "-")")
      }
    }
    if let unrefreshedMovies, unrefreshedMovies > 0 {
      lines.append(
        "\(name): \(unrefreshedMovies) movies have a quality score of before their next refresh")
    }
    return lines
  }

  /// How many rows differ in which way.
  private var faults: String {
    let counts = [
      (missingRows, "missing"), (leftOverRows, "left over"),
      (fencedRows, "fenced beyond the log's end"),
    ]
    let parts = counts.compactMap { count, word in
      count.flatMap { $0 > 0 ? "\($0) \(word)" : nil }
    }
    return parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))"
  }
}

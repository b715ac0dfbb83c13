public import Codecs
import Ratings

extension ModelMetadata {
  /// The most parts a model may have.
  static let maximumParts = 1 << 12
  /// The most partitions `trained_to` may name.
  static let maximumPartitions = 1 << 14

  private enum Field {
    static let names: [StaticString] = [
      "format", "version", "users", "movies", "ratings", "newest_rating_ms", "loss", "trained_to",
      "part_checksums", "byte_count", "rows",
    ]
  }
  private static let formatVersion: Int64 = 1

  /// Writes the record's value.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("format")
    writer.integer(Self.formatVersion)
    writer.key("version")
    writer.string(version)
    parameters.writeFields(to: &writer)
    writer.key("users")
    writer.integer(users)
    writer.key("movies")
    writer.integer(movies)
    writer.key("ratings")
    writer.integer(ratings)
    writer.key("rows")
    writer.integer(rows)
    writer.key("newest_rating_ms")
    writer.integer(newestRatingMilliseconds)
    writer.key("loss")
    writer.double(loss)
    writer.key("trained_to")
    writer.beginArray()
    for (partition, offset) in trainedTo.enumerated() { writer.string("\(partition):\(offset)") }
    writer.endArray()
    metrics?.writeFields(RankingMetrics.modelNames, to: &writer)
    popularityMetrics?.writeFields(RankingMetrics.popularityNames, to: &writer)
    writer.key("byte_count")
    writer.integer(byteCount)
    writer.key("part_checksums")
    writer.beginArray()
    for checksum in partChecksums { writer.string(checksum.description) }
    writer.endArray()
    writer.endObject()
  }

  /// Reads what `write` writes.
  public init(parsing value: RawSpan) throws(RecordError) {
    var parser = FlatJSONParser(fields: Field.names)
    try parser.parseRecord(value)
    let format = try parser.require("format", parser.integer(0))
    guard format == Self.formatVersion else {
      throw RecordError("format \(format) is unknown, \(Self.formatVersion) is expected")
    }
    guard let version = parser.string(1), ModelKey.isVersion(version) else {
      throw RecordError(missing: "version")
    }
    self.init(
      version: version,
      parameters: try ModelParameters(parsing: value),
      trainedTo: try Self.offsets(parser),
      users: try parser.count(2, "users"),
      movies: try parser.count(3, "movies"),
      ratings: try parser.count(4, "ratings"),
      rows: try parser.count(10, "rows"),
      newestRatingMilliseconds: try parser.time(5, "newest_rating_ms"),
      loss: try parser.require("loss", parser.double(6)),
      metrics: try RankingMetrics(RankingMetrics.modelNames, parsing: value),
      popularityMetrics: try RankingMetrics(RankingMetrics.popularityNames, parsing: value),
      partChecksums: try Self.checksums(parser),
      byteCount: try parser.count(9, "byte_count"))
  }

  private static func offsets(_ parser: borrowing FlatJSONParser) throws(RecordError) -> [Int64] {
    var offsets: [Int64] = []
    for (partition, text) in parser.strings(7, limit: maximumPartitions).enumerated() {
      let fields = text.split(separator: ":", omittingEmptySubsequences: false)
      guard fields.count == 2, Int(fields[0]) == partition, let offset = Int64(fields[1]) else {
        throw RecordError("trained_to does not name an offset for each partition in order")
      }
      offsets.append(offset)
    }
    return offsets
  }

  private static func checksums(_ parser: borrowing FlatJSONParser) throws(RecordError)
    -> [Checksum]
  {
    var checksums: [Checksum?] = []
    let count = parser.forEachElement(8, limit: maximumParts) { _, text in
      if let text { checksums.append(Checksum(text: text)) }
    }
    let known = checksums.compactMap(\.self)
    guard known.count == count, count > 0 else { throw RecordError(missing: "part_checksums") }
    return known
  }
}

extension ModelParameters {
  private static let names: [StaticString] = [
    "factors", "epochs", "regularization", "regularization_exponent", "unobserved_weight",
    "initial_deviation", "window", "recency_half_life", "taste", "seed",
  ]

  /// Writes them as fields of the open object.
  func writeFields(to writer: inout JSONWriter) {
    writer.key("factors")
    writer.integer(factors)
    writer.key("epochs")
    writer.integer(epochs)
    writer.key("regularization")
    writer.double(regularization)
    writer.key("regularization_exponent")
    writer.double(regularizationExponent)
    writer.key("unobserved_weight")
    writer.double(unobservedWeight)
    writer.key("initial_deviation")
    writer.double(initialDeviation)
    writer.key("window")
    writer.integer(window)
    writer.key("recency_half_life")
    writer.double(recencyHalfLife)
    writer.key("taste")
    writer.double(taste)
    writer.key("seed")
    writer.string(String(seed))
  }

  /// Reads them from an object.
  init(parsing value: RawSpan) throws(RecordError) {
    self.init()
    var parser = FlatJSONParser(fields: Self.names)
    try parser.parseRecord(value)
    func number(_ field: Int) throws(RecordError) -> Double {
      try parser.require(Self.names[field], parser.double(field))
    }
    factors = try parser.count(0, "factors")
    epochs = try parser.count(1, "epochs")
    regularization = try number(2)
    regularizationExponent = try number(3)
    unobservedWeight = try number(4)
    initialDeviation = try number(5)
    window = try parser.count(6, "window")
    recencyHalfLife = try number(7)
    taste = try number(8)
    seed = try parser.require("seed", parser.string(9).flatMap { UInt64($0) })
    if let problem { throw RecordError(problem) }
  }

  /// What is wrong with them, in one sentence; `nil` if nothing is.
  public var problem: String? {
    let allowed = Self.allowedFactors
    if !allowed.contains(factors) {
      return "factors must be \(allowed.lowerBound) to \(allowed.upperBound)"
    }
    if epochs < 1 { return "epochs must be 1 or more" }
    if !(regularization > 0 && regularization.isFinite) { return "regularization must be above 0" }
    if !(0...1).contains(regularizationExponent) {
      return "the regularization's exponent must be 0 to 1"
    }
    if !(unobservedWeight > 0 && unobservedWeight.isFinite) {
      return "the unobserved weight must be above 0"
    }
    if !(initialDeviation > 0 && initialDeviation.isFinite) {
      return "the initial deviation must be above 0"
    }
    if window < 0 || window % 2 != 0 { return "the window must be an even number, or 0" }
    if !(0...10_000).contains(recencyHalfLife) {
      return "the recency half-life must be 0 to 10000 ratings"
    }
    if !(taste >= 0 && taste.isFinite) { return "the taste must be 0 or more" }
    return nil
  }
}

extension RankingMetrics {
  static let modelNames: [StaticString] = [
    "precision_at_10", "recall_at_10", "ndcg_at_10", "auc",
  ]
  static let popularityNames: [StaticString] = [
    "popularity_precision_at_10", "popularity_recall_at_10", "popularity_ndcg_at_10",
    "popularity_auc",
  ]

  fileprivate func writeFields(_ names: [StaticString], to writer: inout JSONWriter) {
    for (name, value) in zip(names, [precisionAt10, recallAt10, ndcgAt10, auc]) {
      writer.key(name)
      writer.double(value)
    }
  }

  /// - Returns: `nil` if the object has none of them.
  fileprivate init?(_ names: [StaticString], parsing value: RawSpan) throws(RecordError) {
    var parser = FlatJSONParser(fields: names)
    try parser.parseRecord(value)
    if parser.kind(0) == .absent { return nil }
    func number(_ field: Int) throws(RecordError) -> Double {
      try parser.require(names[field], parser.double(field))
    }
    self.init(
      precisionAt10: try number(0), recallAt10: try number(1), ndcgAt10: try number(2),
      auc: try number(3))
  }
}

extension FlatJSONParser {
  /// An integer of 0 or more.
  func count(_ field: Int, _ name: StaticString) throws(RecordError) -> Int {
    let number = try require(name, integer(field))
    guard number >= 0 else { throw RecordError(missing: name) }
    return Int(number)
  }
}

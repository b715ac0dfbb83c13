public import Codecs
import Ratings

extension ModelMetadata {
  /// The most parts a model may have.
  static let maximumParts = 1 << 12
  /// The most epochs whose loss is kept.
  static let maximumEpochs = 1_000
  /// The most partitions `trained_to` may name.
  static let maximumPartitions = 1 << 14

  private enum Field {
    static let names: [StaticString] = [
      "format", "version", "users", "movies", "ratings", "newest_rating_ms", "loss", "trained_to",
      "part_checksums", "byte_count", "mean_rating", "search", "epoch_losses",
      "samples", "doubts",
    ]
  }
  private static let formatVersion: Int64 = 2

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
    writer.key("mean_rating")
    writer.double(meanRating)
    writer.key("newest_rating_ms")
    writer.integer(newestRatingMilliseconds)
    writer.key("loss")
    writer.double(loss)
    writer.key("trained_to")
    writer.beginArray()
    for (partition, offset) in trainedTo.enumerated() { writer.string("\(partition):\(offset)") }
    writer.endArray()
    writer.key("search")
    writer.strings(search.map(\.description))
    writer.key("epoch_losses")
    writer.strings(epochLosses.prefix(Self.maximumEpochs).map { "\($0)" })
    writer.key("doubts")
    writer.strings(doubts.map { "\($0)" })
    writer.key("samples")
    writer.strings(samples.map(\.description))
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
      throw RecordError(
        format < Self.formatVersion
          ? "an earlier version trained it, and this one can't serve it: train again"
          : "format \(format) is unknown, \(Self.formatVersion) is expected")
    }
    guard let version = parser.string(1), ModelKey.isVersion(version) else {
      throw RecordError(missing: "version")
    }
    let parameters = try ModelParameters(parsing: value)
    self.init(
      version: version,
      parameters: parameters,
      trainedTo: try Self.offsets(parser),
      users: try parser.count(2, "users"),
      movies: try parser.count(3, "movies"),
      ratings: try parser.count(4, "ratings"),
      meanRating: try parser.require("mean_rating", parser.double(10)),
      newestRatingMilliseconds: try parser.time(5, "newest_rating_ms"),
      loss: try parser.require("loss", parser.double(6)),
      epochLosses: try Self.losses(parser),
      doubts: try Self.doubts(parser, factors: parameters.factors),
      samples: try Self.samples(parser),
      search: try Self.trials(parser),
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

  private static func trials(_ parser: borrowing FlatJSONParser) throws(RecordError)
    -> [SettingsTrial]
  {
    let texts = parser.strings(11, limit: SettingsTrial.most)
    let trials = texts.compactMap(SettingsTrial.init)
    guard trials.count == texts.count else { throw RecordError(missing: "search") }
    return trials
  }

  private static func losses(_ parser: borrowing FlatJSONParser) throws(RecordError) -> [Double] {
    let texts = parser.strings(12, limit: maximumEpochs)
    let losses = texts.compactMap { Double($0) }
    guard losses.count == texts.count, losses.allSatisfy(\.isFinite) else {
      throw RecordError(missing: "epoch_losses")
    }
    return losses
  }

  private static func doubts(
    _ parser: borrowing FlatJSONParser, factors: Int
  ) throws(RecordError) -> [Double] {
    let texts = parser.strings(14, limit: ModelParameters.allowedFactors.upperBound)
    let doubts = texts.compactMap { Double($0) }
    guard doubts.count == texts.count, doubts.allSatisfy((0...1).contains),
      doubts.isEmpty || doubts.count == factors
    else { throw RecordError(missing: "doubts") }
    return doubts
  }

  private static func samples(_ parser: borrowing FlatJSONParser) throws(RecordError)
    -> [ListSample]
  {
    let texts = parser.strings(13, limit: ListSample.most)
    let samples = texts.compactMap(ListSample.init)
    guard samples.count == texts.count else { throw RecordError(missing: "samples") }
    return samples
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
    guard let fields = try NumberFields(names, of: value) else { return nil }
    self.init(
      precisionAt10: try fields.number(0), recallAt10: try fields.number(1),
      ndcgAt10: try fields.number(2), auc: try fields.number(3))
  }
}

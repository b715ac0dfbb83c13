import Codecs
import Ratings

/// A model ready to publish: the values of its records, and the version that follows from them.
public struct PublishedModel: Sendable {
  public let model: FactorModel
  /// The values of `<version>/0`, `<version>/1` and so on, each below 1 MB.
  public let parts: [[UInt8]]

  /// Encodes a model and names it.
  ///
  /// - Parameters:
  ///   - metadata: its version, checksums and byte count are set here.
  public init(metadata: ModelMetadata, contents: FactorModel.Contents) {
    parts = ModelParts.encode(contents, factorCount: metadata.parameters.factors)
    var metadata = metadata
    metadata.partChecksums = parts.map { Checksum(of: $0.span.bytes) }
    metadata.byteCount = parts.reduce(0) { $0 + $1.count }
    metadata.version = metadata.derivedVersion
    model = FactorModel(metadata: metadata, contents: contents)
  }

  private init(model: FactorModel, parts: [[UInt8]]) {
    self.model = model
    self.parts = parts
  }

  /// Calls `body` with each record to publish, the metadata last: nobody serves the model without
  /// it.
  public func forEachRecord<Failure: Error>(
    _ body: (_ key: ModelKey, _ value: RawSpan) throws(Failure) -> Void
  ) throws(Failure) {
    let version = model.version
    for (number, part) in parts.enumerated() {
      try body(.part(version: version, number: number), part.span.bytes)
    }
    var writer = JSONWriter()
    model.metadata.write(to: &writer)
    try body(.metadata(version: version), writer.bytes)
  }
}

extension ModelMetadata {
  /// The version that follows from all that makes the model, except its metrics:
  /// `20250101-0123456789abcdef`, the date of the newest rating and a digest.
  var derivedVersion: String {
    var digest = Checksum()
    var writer = JSONWriter()
    writer.beginObject()
    parameters.writeFields(to: &writer)
    writer.endObject()
    digest.update(writer.bytes)
    digest.update(UInt64(trainedTo.count))
    for offset in trainedTo { digest.update(UInt64(bitPattern: offset)) }
    for number in [users, movies, ratings, byteCount] { digest.update(UInt64(number)) }
    digest.update(meanRating.bitPattern)
    digest.update(UInt64(bitPattern: newestRatingMilliseconds))
    for checksum in partChecksums { digest.update(checksum.value) }
    for doubt in doubts { digest.update(doubt.bitPattern) }
    return "\(EventTime.dateDigits(ofMilliseconds: newestRatingMilliseconds))-\(digest)"
  }
}

extension PublishedModel {
  /// The same model with the metrics of an evaluation; they don't change its version.
  public func adding(_ metrics: (model: RankingMetrics, popularity: RankingMetrics)?)
    -> PublishedModel
  {
    guard let metrics else { return self }
    var metadata = model.metadata
    metadata.metrics = metrics.model
    metadata.popularityMetrics = metrics.popularity
    return PublishedModel(model: FactorModel(model, metadata: metadata), parts: parts)
  }

  /// The same model with some users' lists; they don't change its version.
  public func addingSamples(of ratings: RatingMatrix) -> PublishedModel {
    var metadata = model.metadata
    metadata.samples = model.samples(of: ratings)
    return PublishedModel(model: FactorModel(model, metadata: metadata), parts: parts)
  }
}

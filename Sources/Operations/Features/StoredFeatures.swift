import Codecs
package import LMDBStore
import Pipeline
package import Ratings
import StateStore
import Streams

/// Finds an entity's features in the state stores of this machine, while a daemon runs.
package struct StoredFeatures {
  private let storage: LMDBStorage

  package init(_ storage: LMDBStorage) {
    self.storage = storage
  }

  /// - Returns: `nil` when no partition kept here knows the id.
  package func find(_ id: Int64, isMovie: Bool) throws -> (any FeatureRow)? {
    let stage = (isMovie ? StageDeclaration.movie : .user).name
    for partition in try storage.partitions(stage: stage) {
      let snapshot = try storage.openReadOnly(stage: stage, partition: partition).snapshot()
      let found = isMovie ? try movie(id, in: snapshot) : try user(id, in: snapshot)
      if let found { return found }
    }
    return nil
  }

  private func user(_ id: Int64, in snapshot: LMDBSnapshot) throws -> (any FeatureRow)? {
    let key = StoreKey(id)
    let genresKey = UserTables.genresKey
    guard let aggregate = try bytes(snapshot, UserTables.aggregates, key.span) else { return nil }
    let decoded = try UserAggregate(decoding: aggregate.span.bytes)
    guard decoded.statistics.count > 0 else { return nil }
    let genres = try bytes(snapshot, UserTables.genres, genresKey.span.bytes)
    return UserFeatures(
      user: id, aggregate: decoded,
      genres: try genres.map { try GenreDictionary(decoding: $0.span.bytes) } ?? GenreDictionary(),
      eventTimeMilliseconds: decoded.eventTimeMilliseconds)
  }

  /// The quality score is the one under the prior of the movies kept on this machine.
  private func movie(_ id: Int64, in snapshot: LMDBSnapshot) throws
    -> (any FeatureRow)?
  {
    let key = StoreKey(id)
    guard let aggregate = try bytes(snapshot, MovieTables.aggregates, key.span) else { return nil }
    let decoded = try MovieAggregate(decoding: aggregate.span.bytes)
    guard decoded.statistics.count > 0 else { return nil }
    return MovieFeatures(
      movie: id, aggregate: decoded, prior: try prior(),
      eventTimeMilliseconds: decoded.eventTimeMilliseconds)
  }

  private func prior() throws -> CatalogPrior {
    var prior = CatalogPrior()
    let stage = StageDeclaration.movie.name
    for partition in try storage.partitions(stage: stage) {
      let snapshot = try storage.openReadOnly(stage: stage, partition: partition).snapshot()
      var failure: CodecError?
      let all: [UInt8] = []
      try snapshot.scan(MovieTables.aggregates, prefix: all.span.bytes) { _, value in
        do throws(CodecError) {
          prior.update(
            from: RatingStatistics(), to: try MovieAggregate(decoding: value).statistics)
          return true
        } catch {
          failure = error
          return false
        }
      }
      if let failure { throw failure }
    }
    return prior
  }

  private func bytes(_ snapshot: LMDBSnapshot, _ table: Table, _ key: RawSpan) throws -> [UInt8]? {
    try snapshot.get(table, key) { value in
      if let value { value.withUnsafeBytes { [UInt8]($0) } } else { nil }
    }
  }
}

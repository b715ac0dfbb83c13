public import EventLog
public import Ratings
public import Recommender
public import Streams

/// The `movie-features` topic as a table: each movie's count and sum, whichever instance owns the
/// movie. They give the prior of all movies and every movie's present quality score.
public final class QualityTable<Consumer: LogConsumer> {
  private struct Movie {
    var count: Int64
    var halfStarSum: Int64
  }

  private let table: GlobalTable<Consumer>
  private var movies: [Int64: Movie] = [:]
  private var parser = MovieFeaturesParser()
  public private(set) var prior = CatalogPrior()

  public init<Log: EventLog>(_ log: Log, topology: Topology, clientID: String) throws(LogError)
  where Log.Consumer == Consumer {
    table = try GlobalTable(log, topic: topology[.movieFeatures], clientID: clientID)
    try table.catchUp { self.take($0) }
  }

  /// Takes in what has arrived.
  public func poll() throws(LogError) {
    try table.poll { self.take($0) }
  }

  /// All rated movies from best to worst, under the present prior.
  public func ranking() -> PopularityRanking {
    let prior = prior
    return PopularityRanking(
      movies.map { movie, known in
        PopularityRanking.Entry(
          movie: movie,
          quality: prior.quality(count: known.count, halfStarSum: known.halfStarSum))
      })
  }

  private func take(_ record: borrowing RecordView) {
    guard let key = record.key, let movie = DecimalText.parse(key) else { return }
    var new: Movie?
    if let value = record.value {
      // A record of another version is skipped: the movie keeps its old values.
      guard let features = try? parser.parse(value) else { return }
      new = Movie(
        count: features.ratings.count,
        halfStarSum: Int64((features.ratings.mean * 2 * Double(features.ratings.count)).rounded()))
    }
    let old = movies[movie]
    prior.ratingCount += (new?.count ?? 0) - (old?.count ?? 0)
    prior.halfStarSum += (new?.halfStarSum ?? 0) - (old?.halfStarSum ?? 0)
    prior.movieCount += (new == nil ? 0 : 1) - (old == nil ? 0 : 1)
    movies[movie] = new
  }
}

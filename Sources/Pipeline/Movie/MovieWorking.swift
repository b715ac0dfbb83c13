import Recommender

/// What one batch has read and changed of a partition of movies, laid out as `UserWorking` is.
public struct MovieWorking {
  struct Movie {
    let movie: Int64
    var aggregate: MovieAggregate
    /// Time of the record that changed the movie last.
    var recordTimestamp: Int64 = -1
    /// Time of the event that changed the movie last.
    var eventTime: Int64 = 0
    /// The movie's newest row in `times`; -1 for none.
    var lastTime = -1
  }

  /// The time of one user's rating of a movie; `nil` when it was taken back.
  struct Time {
    let movie: Int64
    let user: Int64
    var milliseconds: Int64?
    /// The same movie's row before this one; -1 for none.
    let previous: Int
  }

  struct TimeKey: Hashable {
    var movie: Int64
    var user: Int64
  }

  var sources: SourcePositions
  private(set) var movieIndex: [Int64: Int] = [:]
  private(set) var timeIndex: [TimeKey: Int] = [:]
  private(set) var movies: [Movie] = []
  private(set) var times: [Time] = []

  init(sources: SourcePositions) {
    self.sources = sources
  }

  mutating func insert(_ movie: Int64, _ aggregate: MovieAggregate) -> Int {
    movieIndex[movie] = movies.count
    movies.append(Movie(movie: movie, aggregate: aggregate))
    return movies.count - 1
  }

  mutating func change(_ number: Int, _ body: (inout Movie) -> Void) {
    body(&movies[number])
  }

  mutating func setTime(movie number: Int, user: Int64, _ milliseconds: Int64?) {
    let key = TimeKey(movie: movies[number].movie, user: user)
    if let row = timeIndex[key] {
      times[row].milliseconds = milliseconds
      return
    }
    timeIndex[key] = times.count
    times.append(
      Time(
        movie: key.movie, user: user, milliseconds: milliseconds,
        previous: movies[number].lastTime))
    movies[number].lastTime = times.count - 1
  }

  /// Forgets the batch and keeps the memory.
  mutating func removeAll() {
    movieIndex.removeAll(keepingCapacity: true)
    timeIndex.removeAll(keepingCapacity: true)
    movies.removeAll(keepingCapacity: true)
    times.removeAll(keepingCapacity: true)
  }
}

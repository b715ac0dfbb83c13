import Ratings
import StateStore

/// What one batch has read and changed of a partition of movies.
///
/// Movies are found by dictionary and kept in an array, in the order of their first appearance; the
/// journal entries of one movie are chained.
public struct MovieWorking {
  struct Movie {
    let movie: Int64
    var aggregate: MovieAggregate
    /// Newest time of the records that changed the movie.
    var recordTimestamp: Int64 = -1
    /// Time of the event that changed the movie last.
    var eventTime: Int64 = 0
    /// The movie's newest entry; -1 for none.
    fileprivate(set) var lastEntry = -1
    /// Where the journal ended when the batch began.
    let storedJournal: TimeJournal
    /// Whether the batch's entries stand in the place of the stored ones instead of behind them.
    fileprivate(set) var replacesJournal = false

    fileprivate init(_ movie: Int64, _ aggregate: MovieAggregate) {
      self.movie = movie
      self.aggregate = aggregate
      storedJournal = aggregate.journal
    }
  }

  private struct Entry {
    let entry: TimeJournal.Entry
    /// The same movie's entry before this one; -1 for none.
    let previous: Int
  }

  var sources: SourcePositions
  private(set) var movieIndex: [Int64: Int] = [:]
  private(set) var movies: [Movie] = []
  private var entries: [Entry] = []

  init(sources: SourcePositions) {
    self.sources = sources
  }

  mutating func insert(_ movie: Int64, _ aggregate: MovieAggregate) -> Int {
    movieIndex[movie] = movies.count
    movies.append(Movie(movie, aggregate))
    return movies.count - 1
  }

  mutating func change(_ number: Int, _ body: (inout Movie) -> Void) {
    body(&movies[number])
  }

  /// Notes a time that came or went.
  mutating func note(_ entry: TimeJournal.Entry, movie number: Int) {
    entries.append(Entry(entry: entry, previous: movies[number].lastEntry))
    movies[number].lastEntry = entries.count - 1
    movies[number].aggregate.extendJournal()
  }

  /// Begins a movie's journal anew, with these times.
  mutating func replaceJournal(of number: Int, by times: [Int64]) {
    movies[number].lastEntry = -1
    movies[number].replacesJournal = true
    movies[number].aggregate.resetJournal()
    for time in times {
      note(TimeJournal.Entry(milliseconds: time, isRemoval: false), movie: number)
    }
  }

  /// The entries of a movie that the batch has made, in their order.
  func journal(of number: Int) -> [TimeJournal.Entry] {
    var chained: [TimeJournal.Entry] = []
    var entry = movies[number].lastEntry
    while entry >= 0 {
      chained.append(entries[entry].entry)
      entry = entries[entry].previous
    }
    return chained.reversed()
  }

  /// Forgets the batch.
  mutating func removeAll() {
    movieIndex.removeAllOfBatch()
    movies.removeAllOfBatch()
    entries.removeAllOfBatch()
  }
}

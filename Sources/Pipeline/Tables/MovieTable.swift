import Codecs
public import EventLog
public import Ratings
public import Recommender
public import Streams

/// The `movies` topic as a table: titles and genres by movie.
///
/// intake writes the genres into the canonical event, so that everything after it is a function of
/// `validated-ratings` alone.
public final class MovieTable<Consumer: LogConsumer> {
  private let table: GlobalTable<Consumer>
  private var movies: [Int64: MovieRecord] = [:]
  /// Kept apart from the records because it is looked up for every event.
  private var genres: [Int64: [UInt8]] = [:]
  /// Movies with the same genres share one text: there are few, and they stay in the CPU's caches.
  private var texts: Set<[UInt8]> = []
  private var index = GenreIndex()
  /// The genres of all movies by the table's own numbers.
  public private(set) var genreSets: [Int64: GenreSet] = [:]
  private var parser = MovieRecordParser()
  /// Rises with each change, so that what is derived from the table can be derived again.
  public private(set) var version = 0
  /// For each partition, the offset behind the newest record that has been taken.
  public private(set) var offsets: [Int64] = []
  /// Records from these offsets on are passed over; `nil` takes all.
  private let ends: [Int64]?
  private let topic: String
  private let isRequired: Bool
  private let faults: CatalogFaults

  /// - Parameters:
  ///   - isRequired: whether a movie must be in the table to be recommended.
  ///   - faults: receives the records that are skipped.
  ///   - ends: by partition, the offset from which on records are passed over; `nil` for none.
  public init<Log: EventLog>(
    _ log: Log, topology: Topology, clientID: String, isRequired: Bool = false,
    faults: CatalogFaults = CatalogFaults(), upTo ends: [Int64]? = nil
  ) throws(LogError)
  where Log.Consumer == Consumer {
    self.isRequired = isRequired
    self.faults = faults
    self.ends = ends
    topic = topology[.movies]
    table = try GlobalTable(log, topic: topic, clientID: clientID)
    try catchUp()
  }

  public subscript(movie: Int64) -> MovieRecord? { movies[movie] }

  public func contains(_ movie: Int64) -> Bool { genreSets[movie] != nil }

  /// Whether only its movies are recommended. An empty table says nothing of any movie.
  public var isRestrictive: Bool { isRequired && !movies.isEmpty }

  /// The movie's genres as a JSON array; `nil` for an unknown movie.
  public func genresJSON(of movie: Int64) -> [UInt8]? { genres[movie] }

  /// The movie's genres by the table's own numbers; empty for an unknown movie.
  public func genreSet(of movie: Int64) -> GenreSet { genreSets[movie] ?? GenreSet() }

  /// The named genres by the table's own numbers, without those that no movie has had.
  public func genreSet(named names: [String]) -> GenreSet { index.find(names) }

  /// Every genre that a movie has had.
  public var genreNames: [String] { index.names }

  /// Takes in what has arrived.
  public func poll() throws(LogError) {
    try table.poll { self.take($0) }
  }

  /// Takes in everything that is in the topic now.
  public func catchUp() throws(LogError) {
    try table.catchUp { self.take($0) }
  }

  private func take(_ record: borrowing RecordView) {
    let partition = Int(record.partition)
    if let ends, partition >= ends.count || record.offset >= ends[partition] { return }
    while offsets.count <= partition { offsets.append(0) }
    offsets[partition] = record.offset + 1
    switch CatalogChange(key: record.key, value: record.value, &parser) {
    case .put(let movie):
      faults.noteForm(of: record, in: topic, movie: movie.movie)
      movies[movie.movie] = movie
      genres[movie.movie] = texts.insert(movie.genresJSON).memberAfterInsert
      genreSets[movie.movie] = index.number(movie.genres)
      version += 1
    case .remove(let movie):
      faults.noteForm(of: record, in: topic, movie: movie)
      movies[movie] = nil
      genres[movie] = nil
      genreSets[movie] = nil
      version += 1
    case .skip(let reason):
      faults.note(
        topic: topic, partition: record.partition, offset: record.offset, reason: reason)
    }
  }
}

import Ratings
import Recommender

/// Titles and genres of movies, as replies show them and requests select by them.
protocol Catalog {
  subscript(movie: Int64) -> MovieRecord? { get }
  /// The ends of the partitions that it was read from.
  var offsets: [Int64] { get }
  /// Rises with each change.
  var version: Int { get }
  /// Whether only its movies are recommended.
  var isRestrictive: Bool { get }
  func contains(_ movie: Int64) -> Bool
  /// The genres of all movies by the catalog's own numbers.
  var genreSets: [Int64: GenreSet] { get }
  /// The movie's genres by the catalog's own numbers; empty for an unknown movie.
  func genreSet(of movie: Int64) -> GenreSet
  /// The genres of these names, as far as any movie has had them.
  func genreSet(named names: [String]) -> GenreSet
}

extension MovieTable: Catalog {}

/// A catalog that does not change.
struct FixedCatalog: Catalog {
  private let movies: [Int64: MovieRecord]
  let genreSets: [Int64: GenreSet]
  private let index: GenreIndex
  let offsets: [Int64] = []
  let version = 0
  let isRestrictive: Bool

  init(_ records: [MovieRecord], isRestrictive: Bool = false) {
    self.isRestrictive = isRestrictive
    var index = GenreIndex()
    movies = Dictionary(records.map { ($0.movie, $0) }) { $1 }
    genreSets = movies.mapValues { index.number($0.genres) }
    self.index = index
  }

  subscript(movie: Int64) -> MovieRecord? { movies[movie] }
  func contains(_ movie: Int64) -> Bool { movies[movie] != nil }
  func genreSet(of movie: Int64) -> GenreSet { genreSets[movie] ?? GenreSet() }
  func genreSet(named names: [String]) -> GenreSet { index.find(names) }
}

import Ratings
import Recommender

/// Titles and genres of movies, as replies show them and requests choose by them.
protocol Catalog {
  subscript(movie: Int64) -> MovieRecord? { get }
  /// Rises with each change.
  var version: Int { get }
  /// The movie's genres by the catalog's own numbers; empty for a movie not known.
  func genreSet(of movie: Int64) -> GenreSet
  /// The genres of these names, as far as any movie has had them.
  func genreSet(named names: [String]) -> GenreSet
}

extension MovieTable: Catalog {}

/// The rows of models that have certain genres. The genres of all rows are looked up once a model
/// and version of the catalog, when a request first asks for some.
struct GenreFilters {
  private struct Rows {
    var model: ServingModel
    var catalogVersion: Int
    var genres: [GenreSet]
  }

  private var known: [Rows] = []

  /// The rows of the movies with at least one of the genres; `nil`, for all rows, when none are
  /// named.
  mutating func rows(of model: ServingModel, genres names: [String], _ catalog: some Catalog)
    -> RowSet?
  {
    guard !names.isEmpty else { return nil }
    let wanted = catalog.genreSet(named: names)
    let movies = model.factors.movies
    var rows = RowSet(rows: movies.count)
    guard wanted.rawValue != 0 else { return rows }
    let index = find(model, catalog)
    for (row, genres) in known[index].genres.enumerated() where genres.intersects(wanted) {
      rows.insert(row)
    }
    return rows
  }

  private mutating func find(_ model: ServingModel, _ catalog: some Catalog) -> Int {
    if let index = known.firstIndex(where: { $0.model === model }) {
      if known[index].catalogVersion != catalog.version {
        known[index] = Self.look(model, catalog)
      }
      return index
    }
    known.append(Self.look(model, catalog))
    return known.count - 1
  }

  private static func look(_ model: ServingModel, _ catalog: some Catalog) -> Rows {
    Rows(
      model: model, catalogVersion: catalog.version,
      genres: model.factors.movies.map { catalog.genreSet(of: $0) })
  }

  /// Forgets the other models.
  mutating func keep(_ models: [ServingModel]) {
    known.removeAll { rows in !models.contains { $0 === rows.model } }
  }
}

import Ratings
import Recommender

/// Finds the rows of models whose movies may be recommended: those of certain genres, or in the
/// catalog. Looks up all rows once for each model and version of the catalog, when a request first
/// needs it.
struct CatalogFilters {
  private struct Rows {
    var model: ServingModel
    var catalogVersion: Int
    var genres: [GenreSet]
    /// Those in the catalog; `nil` when all are.
    var listed: RowSet?
  }

  private var known: [Rows] = []

  /// The rows of the movies with at least one of the genres, or when none are named, of those that
  /// the catalog lets be recommended; `nil` for all rows. Only movies in the catalog have genres.
  mutating func rows(of model: ServingModel, genres names: [String], _ catalog: some Catalog)
    -> RowSet?
  {
    guard !names.isEmpty else {
      return catalog.isRestrictive ? known[index(of: model, catalog)].listed : nil
    }
    let wanted = catalog.genreSet(named: names)
    let movies = model.factors.movies
    var rows = RowSet(rows: movies.count)
    guard wanted.rawValue != 0 else { return rows }
    let index = index(of: model, catalog)
    for (row, genres) in known[index].genres.enumerated() where genres.intersects(wanted) {
      rows.insert(row)
    }
    return rows
  }

  private mutating func index(of model: ServingModel, _ catalog: some Catalog) -> Int {
    if let index = known.firstIndex(where: { $0.model === model }) {
      if known[index].catalogVersion != catalog.version {
        known[index] = Self.lookUp(model, catalog)
      }
      return index
    }
    known.append(Self.lookUp(model, catalog))
    return known.count - 1
  }

  private static func lookUp(_ model: ServingModel, _ catalog: some Catalog) -> Rows {
    let movies = model.factors.movies
    var listed = RowSet(rows: movies.count)
    for (row, movie) in movies.enumerated() where catalog.contains(movie) { listed.insert(row) }
    return Rows(
      model: model, catalogVersion: catalog.version,
      genres: movies.map { catalog.genreSet(of: $0) },
      listed: listed.count == movies.count ? nil : listed)
  }

  /// Forgets the other models.
  mutating func keep(_ models: [ServingModel]) {
    known.removeAll { rows in !models.contains { $0 === rows.model } }
  }
}

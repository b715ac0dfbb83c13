import Ratings
import Recommender

/// Places the films of a catalog that models lack, by their genres. Looks up the model's films once
/// for each model and version of the catalog, when a film is first needed, and all others when a
/// list first falls short.
struct CatalogPlacements {
  fileprivate struct Entry {
    var model: ServingModel
    var catalogVersion: Int
    /// What MovieLens names no genres.
    var unknown: GenreSet
    /// Of the model's rows.
    var genres: [GenreSet]
    var placement: GenrePlacement
    /// By genres, the films that the model lacks; `nil` until they are needed.
    var films: [(genres: GenreSet, films: PlacedFilms)]?
  }

  private var known: [Entry] = []

  /// The vector of a movie that the model lacks; `nil` if it can't be placed.
  mutating func vector(of movie: Int64, for model: ServingModel, _ catalog: some Catalog)
    -> [Float]?
  {
    let genres = catalog.genreSet(of: movie)
    guard genres.rawValue != 0 else { return nil }
    let index = index(of: model, catalog)
    return known[index].placement.vector(of: genres.subtracting(known[index].unknown))
  }

  /// The films that the model lacks, of the named genres or when none are named, of all.
  mutating func films(for model: ServingModel, genres names: [String], _ catalog: some Catalog)
    -> [PlacedFilms]
  {
    let index = index(of: model, catalog)
    let films = known[index].films ?? known[index].placeFilms(catalog)
    known[index].films = films
    guard !names.isEmpty else { return films.map(\.films) }
    let wanted = catalog.genreSet(named: names)
    return films.filter { $0.genres.intersects(wanted) }.map(\.films)
  }

  /// Appends the best of these films to a user's list that is shorter than wanted.
  ///
  /// - Parameters:
  ///   - missing: how many at most.
  ///   - number: the user's, in the ranker's batch.
  ///   - ratings: the user's, by rising movie id.
  mutating func append(
    _ missing: Int, of number: Int, _ request: RecommendationRequest,
    _ ratings: ArraySlice<MovieRating>, _ ranker: borrowing PersonalRanker,
    _ catalog: some Catalog, to list: inout [ScoredMovie]
  ) {
    let films = films(for: ranker.model, genres: request.genres, catalog)
    ranker.appendBest(missing, of: number, among: films, to: &list) { movie in
      request.excludesRated && ratings.containsMovie(movie)
    }
  }

  private mutating func index(of model: ServingModel, _ catalog: some Catalog) -> Int {
    let index = known.firstIndex { $0.model === model }
    if let index, known[index].catalogVersion == catalog.version { return index }
    let unknown = catalog.genreSet(named: [GenreDictionary.none.description])
    let genres = model.factors.movies.map { catalog.genreSet(of: $0).subtracting(unknown) }
    guard let index else {
      known.append(
        Entry(
          model: model, catalogVersion: catalog.version, unknown: unknown, genres: genres,
          placement: GenrePlacement(model.factors, genres: genres)))
      return known.count - 1
    }
    known[index].catalogVersion = catalog.version
    known[index].unknown = unknown
    known[index].films = nil
    // Most changes are of titles, or new films.
    if known[index].genres != genres {
      known[index].genres = genres
      known[index].placement = GenrePlacement(model.factors, genres: genres)
    }
    return index
  }

  /// Forgets the other models.
  mutating func keep(_ models: [ServingModel]) {
    known.removeAll { entry in !models.contains { $0 === entry.model } }
  }
}

extension CatalogPlacements.Entry {
  fileprivate mutating func placeFilms(_ catalog: some Catalog)
    -> [(genres: GenreSet, films: PlacedFilms)]
  {
    var movies: [GenreSet: [Int64]] = [:]
    for (movie, genres) in catalog.genreSets where model.factors.row(of: movie) == nil {
      movies[genres.subtracting(unknown), default: []].append(movie)
    }
    return movies.compactMap { genres, movies in
      placement.vector(of: genres).map {
        (genres, PlacedFilms(vector: $0, movies: movies.sorted()))
      }
    }
  }
}

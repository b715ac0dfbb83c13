import Recommender

/// The personal lists of a batch's requests: what one ranking gives.
struct RankedLists {
  /// What became of a request.
  enum Outcome: Hashable {
    /// Into `movies`, best first; how many of the user's ratings count; and why the list is shorter
    /// than asked for, if it is.
    case ranked(Range<Int>, known: Int, RecommendationReason?)
    case unranked(RecommendationReason)
  }

  /// One for each request.
  var outcomes: [Outcome] = []
  var movies: [ScoredMovie] = []
  /// What the lists were diversified with.
  var diversity: GenreDiversity?
}

/// Ranks all movies personally for the requests of a batch: one matrix product scores them for all
/// the users who get the same model.
///
/// A list is a function of the user's ratings, the model, the request and the catalog. A ranker
/// holds a copy of its model's vectors, so there is one for each model in use. Belongs to one
/// thread.
struct ModelRankers: ~Copyable {
  // A class, because arrays can't hold noncopyable values.
  private final class Entry {
    var ranker: PersonalRanker

    init(_ model: ServingModel) { ranker = PersonalRanker(model) }
  }

  private let diversity: GenreDiversity?
  private var entries: [Entry] = []
  private var filters = CatalogFilters()
  private var placements = CatalogPlacements()
  /// The lists of earlier rankings, for their memory.
  private var spareLists: [RankedLists] = []
  /// The model of each request that is not ranked yet.
  private var waiting: [ServingModel?] = []
  /// The requests in the ranker's batch: each with its number there, and its known ratings.
  private var added: [(request: Int, number: Int, known: Int)] = []

  /// - Parameter diversity: reorders the lists; `nil` leaves them as they are.
  init(diversity: GenreDiversity? = nil) {
    self.diversity = diversity
  }

  /// - Parameters:
  ///   - ratings: those of all the requests' users.
  ///   - atLeast: how many movies to rank even for those who want fewer.
  ///   - model: the model that ranks for a request; `nil` for none.
  /// - Returns: the lists; give them back to `reuse` when done.
  mutating func rank(
    _ requests: [PendingRequest], _ ratings: [MovieRating], _ catalog: some Catalog, atLeast: Int,
    model: (PendingRequest) -> ServingModel?
  ) -> RankedLists {
    var lists = spareLists.popLast() ?? RankedLists()
    lists.outcomes.removeAll(keepingCapacity: true)
    lists.movies.removeAll(keepingCapacity: true)
    lists.diversity = diversity
    for request in requests {
      let model = model(request)
      let isRankable = model != nil && !request.state.ratings.isEmpty
      waiting.append(isRankable ? model : nil)
      lists.outcomes.append(.unranked(model == nil ? .noModel : .noRatings))
    }
    // Nearly always all of them get the promoted model.
    for first in requests.indices {
      guard let model = waiting[first] else { continue }
      rank(requests, ratings, from: first, with: model, catalog, atLeast, &lists)
    }
    waiting.removeAll(keepingCapacity: true)
    return lists
  }

  /// Ranks for all waiting requests from `first` on that get this model.
  private mutating func rank(
    _ requests: [PendingRequest], _ ratings: [MovieRating], from first: Int,
    with model: ServingModel, _ catalog: some Catalog, _ atLeast: Int, _ lists: inout RankedLists
  ) {
    let entry = entry(for: model)
    entry.ranker.removeAll()
    added.removeAll(keepingCapacity: true)
    for index in first..<requests.count where waiting[index] === model {
      waiting[index] = nil
      let pending = requests[index]
      let allowed = filters.rows(of: model, genres: pending.request.genres, catalog)
      let wanted = max(pending.request.count, atLeast)
      let outcome = entry.ranker.add(
        ratings.span.extracting(pending.state.ratings), at: pending.moment,
        wanted: diversity?.candidates(for: pending.request.count) ?? wanted,
        excludesRated: pending.request.excludesRated, allowed: allowed
      ) { placements.vector(of: $0, for: model, catalog) }
      switch outcome {
      case .added(let number, let known): added.append((index, number, known))
      case .unknown: lists.outcomes[index] = .unranked(.noKnownMovies)
      case .unsolvable: lists.outcomes[index] = .unranked(.unsolvable)
      }
    }
    entry.ranker.rank()
    for (index, number, known) in added {
      let start = lists.movies.count
      let wanted = max(requests[index].request.count, atLeast)
      entry.ranker.appendBest(of: number, to: &lists.movies)
      diversity?.choose(wanted, in: &lists.movies, from: start) { catalog.genreSet(of: $0) }
      let missing = wanted - (lists.movies.count - start)
      if missing > 0 {
        placements.append(
          missing, of: number, requests[index].request,
          ratings[requests[index].state.ratings], entry.ranker, catalog, to: &lists.movies)
      }
      let list = start..<lists.movies.count
      let shortage = shortage(of: list, requests[index].request, model, catalog)
      lists.outcomes[index] = .ranked(list, known: known, shortage)
    }
  }

  private mutating func shortage(
    of list: Range<Int>, _ request: RecommendationRequest, _ model: ServingModel,
    _ catalog: some Catalog
  ) -> RecommendationReason? {
    guard list.count < request.count else { return nil }
    guard list.isEmpty, !request.genres.isEmpty else { return .noMoreMovies }
    let allowed = filters.rows(of: model, genres: request.genres, catalog)
    let placed = placements.films(for: model, genres: request.genres, catalog)
    return allowed?.count == 0 && placed.isEmpty ? .noMatchingMovies : .noMoreMovies
  }

  private mutating func entry(for model: ServingModel) -> Entry {
    if let entry = entries.first(where: { $0.ranker.model === model }) { return entry }
    let entry = Entry(model)
    entries.append(entry)
    return entry
  }

  /// Takes the lists of a ranking that is done with.
  mutating func reuse(_ lists: RankedLists) { spareLists.append(lists) }

  /// Forgets all other models, so that nothing keeps them in memory.
  mutating func keep(_ models: [ServingModel]) {
    entries.removeAll { entry in !models.contains { $0 === entry.ranker.model } }
    filters.keep(models)
    placements.keep(models)
  }
}

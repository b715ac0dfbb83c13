import TestSupport
import Testing

@testable import Ratings
@testable import Recommender

/// Films that a model lacks, placed by their genres, against sums film by film and against a model
/// that has them.
@Suite struct GenrePlacementTests {
  private let model: FactorModel
  /// Of the model's films; one in eight has none.
  private let genres: [GenreSet]

  init() {
    var generator = SeededGenerator(seed: 5)
    var parameters = ModelParameters()
    parameters.factors = 11
    // Every third id is missing.
    let movies = (0..<Int64(300)).filter { $0 % 3 != 1 }
    model = FactorModel(
      metadata: ModelMetadata(
        version: "m", parameters: parameters, users: 1, movies: movies.count, ratings: 1,
        meanRating: 3.5, newestRatingMilliseconds: 0, loss: 0),
      contents: .madeUp(movies: movies, factors: 11, neighbours: 20) {
        Float.random(in: -0.99...0.99, using: &generator)
      })
    genres = movies.map { _ in Self.genres(&generator) }
  }

  private static func genres(_ generator: inout SeededGenerator) -> GenreSet {
    var set = GenreSet()
    for _ in 0..<Int.random(in: 0...3, using: &generator) {
      set.insert(UInt8.random(in: 0..<7, using: &generator))
    }
    return set
  }

  @Test func aVectorIsTheMeanOfThoseOfLikeFilms() throws {
    var placement = GenrePlacement(model, genres: genres)
    var generator = SeededGenerator(seed: 6)
    var placed = 0
    for _ in 0..<60 {
      let own = Self.genres(&generator)
      let vector = placement.vector(of: own)
      guard own.rawValue != 0 else {
        #expect(vector == nil)
        continue
      }
      placed += 1
      let found = try #require(vector)
      #expect(placement.vector(of: own) == found)
      var sums = [Double](repeating: 0, count: 11)
      var whole = 0.0
      for row in model.movies.indices {
        let common = Set(own).intersection(genres[row]).count
        let likeness = Double(common) / Double(Set(own).union(genres[row]).count)
        whole += likeness
        for factor in 0..<11 {
          sums[factor] +=
            likeness * Double(model.contents.scales[row]).squareRoot()
            * Double(model.factors[row * 11 + factor])
        }
      }
      for factor in 0..<11 { #expect(abs(sums[factor] / whole - Double(found[factor])) < 1e-6) }
    }
    #expect(placed > 30)
  }

  /// Catalogs number genres in the order in which they see them.
  @Test func otherNumbersOfGenresGiveTheSameBits() {
    func renumbered(_ set: GenreSet) -> GenreSet {
      var other = GenreSet()
      for genre in set { other.insert(63 - 5 * genre) }
      return other
    }
    var placement = GenrePlacement(model, genres: genres)
    var other = GenrePlacement(model, genres: genres.map(renumbered))
    for set in Set(genres) {
      #expect(placement.vector(of: set) == other.vector(of: renumbered(set)))
    }
  }

  @Test func genresThatAreLikeNoneAreNotPlaced() {
    var placement = GenrePlacement(model, genres: genres)
    #expect(placement.vector(of: GenreSet(rawValue: 1 << 40)) == nil)
    var none = GenrePlacement(model, genres: model.movies.map { _ in GenreSet() })
    #expect(none.vector(of: GenreSet(rawValue: 1)) == nil)
    var contents = model.contents
    contents.factors = Array(repeating: .greatestFiniteMagnitude, count: model.factors.count)
    contents.scales = Array(repeating: 100, count: model.movies.count)
    var large = GenrePlacement(
      FactorModel(metadata: model.metadata, contents: contents), genres: genres)
    #expect(Set(genres).allSatisfy { large.vector(of: $0) == nil })
  }

  // MARK: Ratings and lists

  /// The model with rows for films that it lacks, behind all others.
  private func extended(by films: [(movie: Int64, vector: [Float])]) -> FactorModel {
    var contents = model.contents
    for film in films {
      contents.movies.append(film.movie)
      contents.factors += film.vector
      contents.scales.append(1)
      contents.neighbours.append([])
    }
    return FactorModel(metadata: model.metadata, contents: contents)
  }

  /// Ids above all of the model's.
  private func films() throws -> [(movie: Int64, vector: [Float])] {
    var placement = GenrePlacement(model, genres: genres)
    var generator = SeededGenerator(seed: 8)
    var films: [(movie: Int64, vector: [Float])] = []
    while films.count < 40 {
      guard let vector = placement.vector(of: Self.genres(&generator)) else { continue }
      films.append((1_000 + Int64(films.count), vector))
    }
    return films
  }

  private static func ratings(_ movies: some Sequence<Int64>, seed: UInt64) -> [MovieRating] {
    var generator = SeededGenerator(seed: seed)
    return movies.map { movie in
      MovieRating(
        movie: movie,
        rating: TimedRating(
          rating: HalfStars(rawValue: UInt8.random(in: 1...10, using: &generator)) ?? .half,
          timeMilliseconds: Int64.random(in: 0..<10_000, using: &generator)))
    }
  }

  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func listsAreThoseOfAModelThatHasTheFilms(seed: UInt64) throws {
    let films = try films()
    let vectors = Dictionary(uniqueKeysWithValues: films.map { ($0.movie, $0.vector) })
    var generator = SeededGenerator(seed: seed)
    // The last user has rated nothing that the model has.
    let rated = (model.movies + films.map(\.movie)).filter { movie in
      (seed < 6 || movie >= 1_000) && Int.random(in: 0..<9, using: &generator) == 0
    }
    let ratings = Self.ratings(rated, seed: seed)
    let whole = ServingModel(extended(by: films))
    var oracle = PersonalRanker(whole)
    var ranker = PersonalRanker(ServingModel(model))
    var lists: [[ScoredMovie]] = [[], []]
    for isPlaced in [false, true] {
      var allowed = RowSet(rows: whole.factors.movies.count)
      for row in whole.factors.movies.indices where (row >= model.movies.count) == isPlaced {
        allowed.insert(row)
      }
      oracle.removeAll()
      guard
        case .added(0, rated.count) = oracle.add(
          ratings.span, at: 60_000_000, wanted: 250, allowed: allowed)
      else {
        Issue.record("the user is not ranked")
        return
      }
      oracle.rank()
      oracle.appendBest(of: 0, to: &lists[0])
    }
    let outcome = ranker.add(ratings.span, at: 60_000_000, wanted: 250) { vectors[$0] }
    #expect(outcome == .added(0, known: rated.count))
    ranker.rank()
    ranker.appendBest(of: 0, to: &lists[1])
    let kinds = Dictionary(grouping: films, by: \.vector).map {
      PlacedFilms(vector: $0, movies: $1.map(\.movie))
    }
    for wanted in [0, 1, 7, 250] {
      var list = lists[1]
      let most = min(lists[0].count, list.count + wanted)
      ranker.appendBest(wanted, of: 0, among: kinds, to: &list, leavingOut: rated.contains)
      #expect(list == Array(lists[0].prefix(most)))
    }
    // What a score is made of.
    let shown = lists[0].map(\.movie)
    let parts = ranker.contributions(ratings.span, at: 60_000_000, to: shown) { vectors[$0] }
    #expect(parts == oracle.contributions(ratings.span, at: 60_000_000, to: shown))
    for scored in lists[0] {
      let found = try #require(parts[scored.movie])
      #expect(abs(found.ratings.reduce(found.prior) { $0 + $1.score } - scored.score) < 1e-5)
    }
  }

  @Test func withoutAPlaceARatingIsLeftOut() {
    var ranker = PersonalRanker(ServingModel(model))
    let ratings = Self.ratings([1, 4], seed: 1)
    #expect(ranker.add(ratings.span, at: nil, wanted: 3) == .unknown)
    let vector = [Float](repeating: 0.5, count: 11)
    #expect(
      ranker.add(ratings.span, at: nil, wanted: 3) { $0 == 4 ? vector : nil }
        == .added(0, known: 1))
  }
}

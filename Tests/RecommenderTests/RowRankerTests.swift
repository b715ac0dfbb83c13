import TestSupport
import Testing

@testable import Ratings
@testable import Recommender

extension FoldIn {
  /// The score of a movie after `solve`.
  fileprivate func score(of row: Int) -> Double {
    let k = model.factorCount
    let factors = model.factors.span.extracting(row * k..<(row + 1) * k)
    return BatchScorer.product(vector.span, factors) + additions[row]
  }
}

/// Lists of users with neighbours against sorting the exact scores of all movies.
@Suite struct RowRankerTests {
  private static func model(_ movies: Int, _ generator: inout SeededGenerator) -> FactorModel {
    var parameters = ModelParameters()
    parameters.factors = 5
    return FactorModel(
      metadata: ModelMetadata(
        version: "m", parameters: parameters, users: 1, movies: movies, ratings: 1,
        meanRating: 3.5, newestRatingMilliseconds: 0, loss: 0,
        doubts: [0, 0.25, 0.5, 0.75, 1]),
      contents: .madeUp(movies: Array(0..<Int64(movies)), factors: 5, neighbours: 40) {
        Float.random(in: -0.99...0.99, using: &generator)
      })
  }

  @Test(arguments: 1...12 as ClosedRange<UInt64>)
  func listsAreThoseOfAFullSort(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let model = Self.model(700, &generator)
    var ranker = RowRanker(model)
    var expected: [[ScoredRow]] = []
    for user in 0..<40 {
      let rated = Set(
        (0..<Int.random(in: 1...60, using: &generator)).map { _ in
          Int.random(in: 0..<700, using: &generator)
        }
      ).sorted()
      var allowed: RowSet?
      if user % 3 == 0 {
        var rows = RowSet(rows: 700)
        for _ in 0..<90 { rows.insert(Int.random(in: 0..<700, using: &generator)) }
        allowed = rows
      }
      let excludes = user % 4 != 0
      let wanted = Int.random(in: 1...100, using: &generator)
      ranker.fold { foldIn in
        for row in rated {
          // Many at half a star: their neighbours are pushed down.
          let stars = UInt8(Bool.random(using: &generator) ? 1 : 9)
          foldIn.add(
            row: row, rating: HalfStars(rawValue: stars) ?? .half,
            timeMilliseconds: Int64.random(in: 0..<20, using: &generator))
        }
      }
      ranker.solve(at: Int64.random(in: 0..<200_000_000, using: &generator))
      ranker.add(wanted: wanted, excludesRated: excludes, allowing: allowed)
      let all = model.movies.indices.filter { row in
        (!excludes || !rated.contains(row)) && allowed?.contains(row) != false
      }.map { ScoredRow(row: $0, score: ranker.foldIn.score(of: $0)) }
      expected.append(Array(all.sorted { $0.precedes($1) }.prefix(wanted)))
    }
    ranker.score()
    for user in expected.indices {
      var found: [ScoredRow] = []
      ranker.forEachBest(of: user) { found.append($0) }
      #expect(found == expected[user])
    }
  }

  /// The formula: a factor that may be chance counts little for few ratings, and more for many.
  @Test(arguments: [1, 10, 40]) func doubtFadesWithRatings(count: Int) {
    var generator = SeededGenerator(seed: 9)
    let model = Self.model(60, &generator)
    var doubtless = model.metadata
    doubtless.doubts = []
    var foldIn = FoldIn(model)
    var whole = FoldIn(FactorModel(metadata: doubtless, contents: model.contents))
    for row in 0..<count {
      foldIn.add(row: row, rating: .half, timeMilliseconds: 0)
      whole.add(row: row, rating: .half, timeMilliseconds: 0)
    }
    foldIn.solve(at: nil)
    whole.solve(at: nil)
    for (factor, doubt) in model.metadata.doubts.enumerated() {
      let share = 1 - doubt * 10 / (10 + Double(count))
      let expected = Double(whole.vector[factor]) * share
      #expect(abs(Double(foldIn.vector[factor]) - expected) < 1e-6)
    }
  }

  @Test func aScoreIsTheSumOfItsContributions() {
    var generator = SeededGenerator(seed: 4)
    let model = Self.model(50, &generator)
    var foldIn = FoldIn(model)
    for row in 0..<20 {
      foldIn.add(
        row: row, rating: HalfStars(rawValue: UInt8(1 + row % 10)) ?? .half,
        timeMilliseconds: Int64(row) * 1000)
    }
    foldIn.solve(at: 3_600_000)
    for row in 20..<50 {
      let parts = foldIn.contributions(to: row)
      let sum = parts.ratings.reduce(parts.prior, +)
      #expect(abs(sum - foldIn.score(of: row)) < 1e-5)
    }
  }
}

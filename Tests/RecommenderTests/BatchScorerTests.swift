import Glibc
import TestSupport
import Testing

@testable import Recommender

/// Batches of scores against sorting all of them.
@Suite struct BatchScorerTests {
  private static func model(_ rows: [[Float]]) -> FactorModel {
    var parameters = ModelParameters()
    parameters.factors = rows[0].count
    return FactorModel(
      metadata: ModelMetadata(
        version: "m", parameters: parameters, users: 1, movies: rows.count, ratings: 1,
        meanRating: 3, newestRatingMilliseconds: 0, loss: 0),
      contents: FactorModel.Contents(
        movies: rows.indices.map { Int64($0) * 3 + 1 }, factors: rows.flatMap { $0 },
        scales: rows.map { _ in 1 }, prior: rows[0], neighbours: Neighbours(rows: rows.count)))
  }

  private static func random(_ count: Int, _ generator: inout some RandomNumberGenerator) -> [Float]
  {
    (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
  }

  /// All rows that may be recommended, best first, by the exact scores.
  private static func sorted(
    _ model: FactorModel, _ vector: [Float], without excluded: [Int32], allowing allowed: RowSet?
  ) -> [ScoredRow] {
    let k = model.factorCount
    return model.movies.indices.filter { row in
      !excluded.contains(Int32(row)) && allowed?.contains(row) != false
    }.map { row in
      ScoredRow(
        row: row,
        score: BatchScorer.product(
          vector.span, model.factors.span.extracting(row * k..<(row + 1) * k)))
    }.sorted { $0.score != $1.score ? $0.score > $1.score : $0.row < $1.row }
  }

  private static func list(_ scorer: borrowing BatchScorer, _ user: Int) -> [ScoredRow] {
    let best = scorer.best(of: user)
    return best.indices.map { best[$0] }
  }

  private struct User {
    var vector: [Float]
    var count: Int
    var excluded: [Int32]
    var allowed: RowSet?
  }

  private func expectExact(_ model: FactorModel, _ users: [User]) {
    var scorer = BatchScorer(model)
    for user in users {
      scorer.add(
        vector: user.vector.span, count: user.count, excluding: user.excluded.span,
        allowing: user.allowed)
    }
    scorer.score()
    for (number, user) in users.enumerated() {
      let all = Self.sorted(
        model, user.vector, without: user.excluded, allowing: user.allowed)
      #expect(Self.list(scorer, number) == Array(all.prefix(user.count)))
    }
  }

  private static func users(
    _ batch: Int, movies: Int, factors: Int, _ generator: inout some RandomNumberGenerator
  ) -> [User] {
    (0..<batch).map { _ in
      let excluded = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
        Int32.random(in: 0..<Int32(movies), using: &generator)
      }
      var allowed: RowSet?
      if Bool.random(using: &generator) {
        var rows = RowSet(rows: movies)
        for _ in 0..<60 { rows.insert(Int.random(in: 0..<movies, using: &generator)) }
        allowed = rows
      }
      return User(
        vector: random(factors, &generator), count: Int.random(in: 1...100, using: &generator),
        excluded: Array(Set(excluded)), allowed: allowed)
    }
  }

  /// Movies whose vectors' lengths fall by e⁶ from the longest to the shortest, in random order.
  private static func fallingModel(_ movies: Int, _ generator: inout some RandomNumberGenerator)
    -> FactorModel
  {
    model(
      (0..<movies).shuffled(using: &generator).map { rank in
        let scale = Float(exp(-6 * Double(rank) / Double(movies)))
        return random(19, &generator).map { $0 * scale }
      })
  }

  @Test(arguments: [1, 7, 31, 32, 45, 64, 130, 300])
  func listsAreThoseOfAFullSort(_ batch: Int) {
    var generator = SeededGenerator(seed: UInt64(batch))
    let model = Self.model((0..<1_500).map { _ in Self.random(19, &generator) })
    expectExact(model, Self.users(batch, movies: 1_500, factors: 19, &generator))
  }

  /// Users drop out at different lengths, and some of them never.
  @Test(arguments: [1, 2, 45, 130, 300])
  func listsAreThoseOfAFullSortWhenMostMoviesAreTooShort(_ batch: Int) {
    var generator = SeededGenerator(seed: UInt64(batch))
    let model = Self.fallingModel(4_000, &generator)
    var users = Self.users(batch, movies: 4_000, factors: 19, &generator)
    users[batch / 2].vector = Array(repeating: 0, count: 19)
    expectExact(model, users)
  }

  @Test func moviesTooShortForAListAreNotScored() {
    var generator = SeededGenerator(seed: 3)
    let none: [Int32] = []
    func scores(_ model: FactorModel) -> Int {
      var scorer = BatchScorer(model)
      for _ in 0..<20 {
        let vector = Self.random(19, &generator)
        scorer.add(vector: vector.span, count: 10, excluding: none.span)
      }
      scorer.score()
      return scorer.scoreCount
    }
    let row = Self.random(19, &generator)
    #expect(scores(Self.model(Array(repeating: row, count: 4_000))) == 20 * 4_000)
    #expect(scores(Self.fallingModel(4_000, &generator)) < 20 * 4_000 / 2)
  }

  /// Scores that differ by less than a product in single precision can tell: hundreds of movies
  /// that are the same but for their last bits.
  @Test(arguments: 1...20)
  func whatRoundingHidesIsFound(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let base = Self.random(64, &generator)
    let model = Self.model(
      (0..<700).map { _ in
        base.map { number in
          switch Int.random(in: 0..<3, using: &generator) {
          case 0: number.nextUp
          case 1: number.nextDown
          default: number
          }
        }
      })
    let users = (0..<9).map { _ in
      User(vector: base.map { $0 * 3 }, count: 10, excluded: [0, 5, 699], allowed: nil)
    }
    expectExact(model, users)
  }

  @Test func equalScoresGoByRow() {
    var generator = SeededGenerator(seed: 1)
    let row = Self.random(9, &generator)
    let model = Self.model(Array(repeating: row, count: 200))
    var scorer = BatchScorer(model)
    let none: [Int32] = []
    scorer.add(vector: row.span, count: 12, excluding: none.span)
    scorer.score()
    #expect(Self.list(scorer, 0).map(\.row) == Array(0..<12))
  }

  @Test func thereMayBeFewerThanAskedFor() {
    var generator = SeededGenerator(seed: 1)
    let model = Self.model((0..<5).map { _ in Self.random(3, &generator) })
    var scorer = BatchScorer(model)
    let zero: [Float] = [0, 0, 0]
    let some: [Int32] = [1, 3]
    scorer.add(vector: zero.span, count: 100, excluding: some.span)
    scorer.add(vector: zero.span, count: 100, excluding: some.span, allowing: RowSet(rows: 5))
    scorer.score()
    #expect(Self.list(scorer, 0).map(\.row) == [0, 2, 4])
    #expect(Self.list(scorer, 1).isEmpty)
    scorer.removeAll()
    scorer.score()
    #expect(scorer.count == 0)
  }
}

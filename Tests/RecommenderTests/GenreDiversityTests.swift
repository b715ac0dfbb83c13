import TestSupport
import Testing

@testable import Ratings
@testable import Recommender

@Suite struct GenreDiversityTests {
  private static func list(_ count: Int, _ generator: inout SeededGenerator) -> [ScoredMovie] {
    (0..<count).map {
      ScoredMovie(movie: Int64($0), score: Double.random(in: -2...3, using: &generator))
    }.sorted { $0.score > $1.score }
  }

  private static func genres(_ generator: inout SeededGenerator) -> [GenreSet] {
    (0..<60).map { _ in
      var set = GenreSet()
      for _ in 0..<Int.random(in: 0...3, using: &generator) {
        set.insert(UInt8.random(in: 0..<6, using: &generator))
      }
      return set
    }
  }

  /// The definition, without anything remembered from one choice to the next.
  private static func expected(
    _ candidates: [ScoredMovie], _ wanted: Int, _ share: Double, _ genres: [GenreSet]
  ) -> [ScoredMovie] {
    guard let high = candidates.first?.score, let low = candidates.last?.score else { return [] }
    func likeness(_ a: ScoredMovie, _ b: ScoredMovie) -> Double {
      let (x, y) = (genres[Int(a.movie)].rawValue, genres[Int(b.movie)].rawValue)
      return x | y == 0 ? 0 : Double((x & y).nonzeroBitCount) / Double((x | y).nonzeroBitCount)
    }
    var chosen: [ScoredMovie] = []
    while chosen.count < min(wanted, candidates.count) {
      let values = candidates.map { movie in
        chosen.contains(movie)
          ? -Double.infinity
          : (1 - share) * ((movie.score - low) / max(high - low, .leastNormalMagnitude))
            - share * (chosen.map { likeness(movie, $0) }.max() ?? 0)
      }
      let best = values.indices.max { values[$0] < values[$1] } ?? 0
      chosen.append(candidates[values.firstIndex(of: values[best]) ?? best])
    }
    return chosen
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>, [1, 30, 100])
  func choosesAsDefined(seed: UInt64, percent: Int) throws {
    var generator = SeededGenerator(seed: seed)
    let diversity = try #require(GenreDiversity(percent: percent))
    let candidates = Self.list(Int.random(in: 0...60, using: &generator), &generator)
    let genres = Self.genres(&generator)
    let kept = [ScoredMovie(movie: 99, score: 1)]
    for wanted in [1, 10, 100] {
      var list = kept + candidates
      diversity.choose(wanted, in: &list, from: 1) { genres[Int($0)] }
      #expect(
        list == kept + Self.expected(candidates, wanted, Double(percent) / 100, genres))
    }
  }

  @Test func aShorterListBeginsALongerOne() throws {
    var generator = SeededGenerator(seed: 3)
    let diversity = try #require(GenreDiversity(percent: 40))
    #expect(diversity.candidates(for: 3) == diversity.candidates(for: 10))
    let candidates = Self.list(diversity.candidates(for: 10), &generator)
    let genres = Self.genres(&generator)
    var (short, long) = (candidates, candidates)
    diversity.choose(3, in: &short, from: 0) { genres[Int($0)] }
    diversity.choose(10, in: &long, from: 0) { genres[Int($0)] }
    #expect(short == Array(long.prefix(3)) && Set(long.map(\.movie)).count == 10)
  }

  @Test func noPercentIsNoDiversity() {
    #expect(GenreDiversity(percent: 0) == nil)
  }
}

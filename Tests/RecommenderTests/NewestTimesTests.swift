import TestSupport
import Testing

@testable import Recommender

/// The newest times against counting, for each, those above it.
@Suite struct NewestTimesTests {
  private static func expect(_ times: [Int64], _ count: Int) {
    let ranks = times.enumerated().map { place, time in
      NewestTimes.Rank(place: place, newer: times.count { $0 > time })
    }
    var newest = NewestTimes()
    newest.select(count, of: times)
    #expect(
      newest.ranks.sorted { $0.place < $1.place } == ranks.filter { $0.newer < count },
      "\(times), \(count)")
  }

  /// Few different times: equal ones stand on both sides of the bar.
  @Test(arguments: 1...12)
  func ranksAreCountsOfNewerTimes(_ count: Int) {
    var generator = SeededGenerator(seed: UInt64(count))
    for size in 0..<40 {
      let most = Int64.random(in: 0...20, using: &generator)
      Self.expect((0..<size).map { _ in Int64.random(in: 0...most, using: &generator) }, count)
    }
  }

  @Test func anyTimeCanBeRanked() {
    Self.expect([.min, .max, 0, -1, .max, .min, 1], 4)
  }
}

/// Rows of ids that lie close together, and of others.
@Suite struct RowIndexTests {
  @Test(
    arguments: [
      [], [7], [1, 2, 3, 9], [-3, 0, 5], [1, 1_000_000_000], [.min, -1, 0, .max],
      Array(stride(from: 10, to: 900, by: 9)), Array(stride(from: 10, to: 900, by: 7)),
    ] as [[Int64]])
  func eachIDHasItsRowAndNoOtherHas(_ ids: [Int64]) {
    let index = RowIndex(ids)
    for (row, id) in ids.enumerated() {
      #expect(index.row(of: id, in: ids) == row)
      for other in [id &- 1, id &+ 1] where !ids.contains(other) {
        #expect(index.row(of: other, in: ids) == nil)
      }
    }
    for other in [Int64.min, 0, .max] where !ids.contains(other) {
      #expect(index.row(of: other, in: ids) == nil)
    }
  }
}

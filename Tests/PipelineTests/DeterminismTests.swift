import StateStore
import Streams
import Testing

@testable import Pipeline
@testable import Simulation

/// The same log gives the same state, byte for byte, wherever batches end. `state verify` rests on
/// it: it folds the log again in batches of its own.
@Suite struct DeterminismTests {
  private struct Stores: Equatable {
    var users: [[[UInt8]: [UInt8]]]
    var movies: [[[UInt8]: [UInt8]]]
  }

  /// Few users and movies, so that ratings replace each other and whole histories come and go.
  private func fold(seed: UInt64, batch: Int) throws -> Stores {
    var random = SeededGenerator(seed: seed)
    var chain = Chain()
    chain.limits.records = batch
    for movie in Int64(1)...6 {
      try chain.addMovie(movie, genres: ["Drama", "Comedy|Drama", "Western"][Int(movie) % 3])
    }
    for _ in 0..<3_000 {
      let user = Int64.random(in: 1...4, using: &random)
      let movie = Int64.random(in: 1...6, using: &random)
      let stars: Double? =
        Int.random(in: 0..<3, using: &random) == 0
        ? nil : Double(Int.random(in: 1...10, using: &random)) / 2
      try chain.rate(
        user, movie, stars, at: 1_700_000_000 + Int64.random(in: 0..<5_000_000, using: &random))
    }
    try chain.runAll()
    func tables(_ stage: StageDeclaration) -> [[[UInt8]: [UInt8]]] {
      (0...stage.tables.count).map {
        chain.storage.contents(
          of: Table(rawValue: UInt8($0)), stage: stage.name, partition: 0)
      }
    }
    return Stores(users: tables(.user), movies: tables(.movie))
  }

  @Test(arguments: UInt64(0)..<3) func stateDoesNotDependOnBatches(seed: UInt64) throws {
    let whole = try fold(seed: seed, batch: 100_000)
    #expect(whole.movies[1].count == 6)
    for batch in [1, 7, 450] {
      let other = try fold(seed: seed, batch: batch)
      // Positions stand for offsets of topics, in which each transaction has a marker.
      #expect(
        Array(other.users.dropFirst()) == Array(whole.users.dropFirst()), "batches of \(batch)")
      #expect(
        Array(other.movies[1...2]) == Array(whole.movies[1...2]), "batches of \(batch)")
    }
  }
}

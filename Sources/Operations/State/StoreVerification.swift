import Configuration
import Console
import Foundation
import KafkaLog
import LMDBStore
import Logging
import Pipeline
import Processes
import Ratings
import Streams
import Synchronization
import Wiring

/// Folds one partition again from the log and holds the store against it.
struct StoreVerification {
  let settings: Settings
  let log: KafkaLog
  let logger: Logger
  let place: StorePlace
  /// How many differences to show.
  let shown: Int

  /// What has come out, with the features that the fold has sent.
  struct Outcome {
    var inputOffset: Int64
    var comparison: StoreComparison
    var features: [Int64: (any FeatureRow)?]
    var genres: GenreDictionary
  }

  /// Compares the store as of a snapshot.
  func run(_ snapshot: LMDBSnapshot) throws -> Outcome {
    let scratch = try TemporaryDirectory("verify")
    let storage = LMDBStorage(root: scratch.path, mapBytes: settings.storage.mapBytes)
    // A store that was never written stands for nothing.
    let end = try snapshot.inputOffset() ?? 0
    let features = try replay(into: storage, to: end)
    let recomputed = try storage.openReadOnly(
      stage: place.stage, partition: place.partition
    ).snapshot()
    let outcome = Outcome(
      inputOffset: end, comparison: try compare(snapshot, recomputed), features: features,
      genres: try place.genres(in: snapshot))
    withExtendedLifetime(scratch) {}
    return outcome
  }

  private func replay(into storage: LMDBStorage, to end: Int64) throws
    -> [Int64: (any FeatureRow)?]
  {
    let bar = SharedProgress("replay \(place.description)", unit: "offsets", total: Int(end))
    let replay = Replay(
      log, storage: storage, topology: settings.topology, logger: logger,
      onProgress: { bar.update(Int($0)) })
    defer { bar.finish() }
    do throws(ReplayError) {
      if place.schema.stage == .user {
        return try replay.users(partition: place.partition, to: end).mapValues { $0 }
      }
      return try replay.movies(partition: place.partition, to: end).mapValues { $0 }
    } catch {
      if case .stage(.log(let error)) = error { throw error }
      throw ReplayFailure(place: place.description, error: error)
    }
  }

  private func compare(_ stored: LMDBSnapshot, _ recomputed: LMDBSnapshot) throws
    -> StoreComparison
  {
    var comparison = StoreComparison(shown: shown)
    var progress = ProgressBar("compare \(place.description)", unit: "entries")
    for table in place.schema.tables {
      try comparison.compare(table.table, stored, recomputed) { progress.update($0) }
    }
    progress.close(comparison.entries)
    return comparison
  }
}

/// Why the state of a partition can't be computed again, so that nothing can be said of its store.
struct ReplayFailure: Error {
  let place: String
  let error: ReplayError

  var message: String { "\(place) can't be computed again: \(error)" }
}

/// A progress bar that a `@Sendable` closure draws, on the thread that made it.
private final class SharedProgress: Sendable {
  private struct State: ~Copyable {
    var bar: ProgressBar
    var count = 0
  }

  private let state: Mutex<State>

  init(_ label: String, unit: String, total: Int) {
    state = Mutex(State(bar: ProgressBar(label, unit: unit, goal: .count(max(1, total)))))
  }

  func update(_ count: Int) {
    state.withLock {
      $0.count = count
      $0.bar.update(count)
    }
  }

  /// Leaves a line if it took long enough to be worth one.
  func finish() {
    state.withLock { $0.bar.close($0.count) }
  }
}

import Configuration
import Console
import Foundation
package import Recommender
import SampleData

/// Seconds for an epoch of training, and memory, on ratings made up.
package struct TrainBench {
  private let ratings: Int
  private let users: Int
  private let movies: Int
  private let parameters: ModelParameters
  private let seed: UInt64
  private let threads: Int
  private let pairs: String?

  package init(
    ratings: Int, users: Int, movies: Int, parameters: ModelParameters, seed: UInt64, threads: Int,
    pairs: String?
  ) {
    self.ratings = ratings
    self.users = users
    self.movies = movies
    self.parameters = parameters
    self.seed = seed
    self.threads = threads
    self.pairs = pairs
  }

  package func run() throws -> BenchReport {
    let matrix = generate()
    let generated = ProcessUsage(of: getpid())
    if let pairs { try write(matrix, to: pairs) }
    var seconds: [Double] = []
    let cpu = ProcessUsage.ownCPUSeconds
    var trainer = Trainer(matrix, parameters: parameters, threads: threads)
    var loss = 0.0
    for epoch in 1...parameters.epochs {
      var progress = ProgressBar(
        "epoch \(epoch) of \(parameters.epochs)", unit: "ratings", goal: .count(matrix.count))
      let start = ContinuousClock.now
      loss = trainer.runEpoch { progress.update(Int($0 * Double(matrix.count))) }
      seconds.append((ContinuousClock.now - start) / .seconds(1))
      progress.finish(matrix.count, note: String(format: "loss %.5f", loss))
    }
    let start = ContinuousClock.now
    do throws(UnsolvableEquations) { _ = try trainer.finish() } catch {
      throw CommandFailure(.failure, "training failed: \(error)")
    }
    let neighbours = (ContinuousClock.now - start) / .seconds(1)
    let used = ProcessUsage.ownCPUSeconds - cpu
    var report = BenchReport("train")
    report.figures = [
      .count("ratings", "", "ratings", matrix.count),
      .count("users", "", "users", matrix.users.count),
      .count("movies", "", "movies", matrix.movies.count),
      .count("factors", "", "factors", parameters.factors),
      .count("threads", "", "threads", threads),
      .count("epochs", "", "epochs", parameters.epochs),
      .decimal("slowest epoch", "s", "slowest_epoch_seconds", seconds.max() ?? 0, digits: 2),
      .decimal("fastest epoch", "s", "fastest_epoch_seconds", seconds.min() ?? 0, digits: 2),
      .decimal("neighbours", "s", "neighbours_seconds", neighbours, digits: 2),
      .decimal("CPU of all that", "s", "cpu_seconds", used, digits: 2),
      .decimal("loss", "a rating", "loss", loss, digits: 5),
      .bytes("peak RSS", "peak_rss_bytes", ProcessUsage(of: getpid())?.peakBytes ?? 0),
      .bytes("  of which before training", "peak_rss_before_bytes", generated?.peakBytes ?? 0),
    ]
    return report
  }

  private func generate() -> RatingMatrix {
    var settings = RatingGenerator.Settings()
    settings.users = users
    settings.movies = movies
    settings.seed = seed
    settings.events = ratings
    // Twenty years.
    settings.times = 1_000_000_000_000..<1_000_000_000_000 + 20 * 365 * 86_400_000
    var generator = RatingGenerator(settings)
    var log = RatingLog()
    var progress = ProgressBar("generating", unit: "ratings", goal: .count(ratings))
    for count in 1...ratings {
      let time = generator.nextTimeMilliseconds
      let drawn = generator.nextRating()
      log.append(
        user: drawn.user, movie: drawn.movie, rating: drawn.rating, timeMilliseconds: time)
      progress.update(count)
    }
    progress.finish(ratings)
    var sorting = ProgressBar("sorting", unit: "ratings", goal: .count(ratings))
    let matrix = log.finish { sorting.update(Int($0 * Double(ratings))) }
    sorting.close(ratings)
    return matrix
  }

  private func write(_ matrix: RatingMatrix, to path: String) throws {
    let file = try OutputFile(path)
    var progress = ProgressBar("pairs", unit: "users", goal: .count(matrix.users.count))
    var buffer: [UInt32] = []
    for user in matrix.users.indices {
      for index in matrix.range(ofUser: user) {
        buffer.append(UInt32(user).littleEndian)
        buffer.append(UInt32(matrix.rating(index).movie).littleEndian)
      }
      if buffer.count >= 1 << 18 || user == matrix.users.count - 1 {
        try buffer.withUnsafeBytes { try file.write(Data($0)) }
        buffer.removeAll(keepingCapacity: true)
      }
      progress.update(user + 1)
    }
    progress.close(matrix.users.count)
  }
}

import Configuration
import Console
import Foundation
import Operations

/// `--once`: rates a movie for the sample user and waits until features and recommendations show
/// it.
struct OnceCheck {
  /// What the user looked like at one moment.
  struct View: Equatable {
    var features: [SampleUser.Feature]
    var movies: [ReplyRecord.Movie]

    var ratingCount: Int? {
      features.first { $0.name == SampleUser.countFeature }.flatMap { Int($0.text) }
    }
  }

  private static let reportInterval = Duration.seconds(2)
  private static let freshnessSpan = Duration.seconds(3)

  let user: SampleUser
  let progress: ProgressMonitor
  let services: DemoServices
  let deadline: ContinuousClock.Instant

  /// Waits until all that was loaded has come through, and the user has something to show: without
  /// ratings, what is popular.
  func waitUntilReady() throws -> View {
    try wait { () -> (View?, String) in
      let progress = try progress.progress()
      if !progress.isCaughtUp { return (nil, "lag: \(progress.lagText)") }
      // Only now: what was seen before may be older.
      let view = try look()
      if view.movies.isEmpty { return (nil, "no recommendations for user \(user.user)") }
      return (view, "")
    }
  }

  /// Rates the first recommended movie.
  func rate(_ before: View) throws -> View {
    guard let movie = before.movies.first else { return before }
    StandardStream.output.write(
      "\nrating \(movie.title) (movie \(movie.movieID)) with 5 stars for user \(user.user)\n\n")
    try user.rate(movie.movieID)
    return try wait { () -> (View?, String) in
      let view = try look()
      let missing = Self.missing(
        after: view, count: (before.ratingCount ?? 0) + 1, movie: movie.movieID)
      return (missing.isEmpty ? view : nil, missing.joined(separator: "; "))
    }
  }

  /// Freshness over some seconds, as long as there is time; `nil` when nothing came through in it.
  func freshness(_ view: View) throws -> Dashboard.Freshness? {
    let probe = FreshnessProbe(services.log, services.settings.topology, movies: view.movies)
    defer { probe.close() }
    let end = min(.now + Self.freshnessSpan, deadline)
    while ContinuousClock.now < end {
      try services.check()
      services.pause(.milliseconds(100))
    }
    return probe.freshness
  }

  /// What does not show yet that a movie was rated; empty when all does.
  static func missing(after view: View, count: Int, movie: Int64) -> [String] {
    var missing: [String] = []
    if view.ratingCount != count {
      let found = view.ratingCount.map(String.init) ?? "absent"
      missing.append("\(SampleUser.countFeature) in Redis is \(found), not \(count)")
    }
    if view.movies.isEmpty {
      missing.append("no recommendations came")
    } else if view.movies.contains(where: { $0.movieID == movie }) {
      missing.append("movie \(movie) is still recommended")
    }
    return missing
  }

  static func lines(_ title: String, _ view: View) -> [String] {
    let features = view.features.map { "\($0.name) \($0.text)" }.joined(separator: ", ")
    let movies = view.movies.prefix(3).map(\.title).joined(separator: ", ")
    return ["\(title): \(features)", "\(title): recommended are \(movies), …"]
  }

  private func look() throws -> View {
    View(
      features: try user.features(), movies: try user.recommendations()?.recommendations ?? [])
  }

  /// Says from time to time on standard error what it waits for.
  ///
  /// - Parameter attempt: the result, or what it still misses.
  private func wait<T>(_ attempt: () throws -> (T?, String)) throws -> T {
    var nextReport = ContinuousClock.now + Self.reportInterval
    while true {
      try services.check()
      let (result, missing) = try attempt()
      if let result { return result }
      guard ContinuousClock.now < deadline else {
        throw CommandFailure(.failure, "the demo's deadline is over: \(missing)")
      }
      if ContinuousClock.now >= nextReport {
        StandardStream.error.write("waiting: \(missing)\n")
        nextReport = .now + Self.reportInterval
      }
      services.pause(.milliseconds(100))
    }
  }
}

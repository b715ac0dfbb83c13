import Console
import Foundation

/// Makes movies and ratings up and sends them somewhere, with a progress bar.
package struct SampleGeneration {
  private let settings: RatingGenerator.Settings
  private let key: RatingKey
  /// Ratings per second; `nil` is as fast as it goes.
  private let rate: Double?
  /// Whether event time is the time of day.
  private let isLive: Bool

  package init(
    _ settings: RatingGenerator.Settings, key: RatingKey, rate: Double? = nil, isLive: Bool = false
  ) {
    self.settings = settings
    self.key = key
    self.rate = rate
    self.isLive = isLive
  }

  package func write(to destination: some Destination, topics: [DataTopic]) throws -> DataSummary {
    var summary = DataSummary()
    if topics.contains(.movies) {
      summary.movies = settings.movies
      try writeMovies(to: destination)
    }
    if topics.contains(.ratings) { try writeRatings(to: destination, summary: &summary) }
    return summary
  }

  private func writeMovies(to destination: some Destination) throws {
    let movies = settings.movies
    let generator = MovieGenerator(count: movies, seed: settings.seed)
    var progress = ProgressBar("movies", unit: "movies", goal: .count(movies))
    var key: [UInt8] = []
    var value: [UInt8] = []
    for movie in 1...movies {
      key.removeAll(keepingCapacity: true)
      value.removeAll(keepingCapacity: true)
      EventText.appendKey(Int64(movie), to: &key)
      generator.append(Int64(movie), to: &value)
      try destination.send(.movies, key: key.span.bytes, value: value.span.bytes)
      progress.update(movie)
    }
    try destination.flush()
    progress.finish(movies)
  }

  private func writeRatings(to destination: some Destination, summary: inout DataSummary) throws {
    let ratings = settings.events
    var generator = RatingGenerator(settings)
    var progress = ProgressBar("ratings", unit: "events", goal: .count(ratings))
    let pacing = rate.map { Pacing(perSecond: $0) }
    let start = ContinuousClock.now
    var keyText: [UInt8] = []
    for count in 0..<ratings {
      pacing?.wait(after: count, since: start) { progress.refresh(count) }
      generator.next(timeMilliseconds: isLive ? Self.now() : nil)
      if case .invalid = generator.kind { summary.invalid += 1 }
      if key == .user {
        keyText.removeAll(keepingCapacity: true)
        EventText.appendKey(generator.user, to: &keyText)
        try destination.send(.ratings, key: keyText.span.bytes, value: generator.value)
      } else {
        try destination.send(.ratings, key: nil, value: generator.value)
      }
      progress.update(count + 1)
    }
    try destination.flush()
    summary.ratings = ratings
    summary.finish(ratingsIn: progress.elapsed)
    progress.finish(ratings)
  }

  /// The time of day, in milliseconds since 1970.
  package static func now() -> Int64 {
    Int64(Date().timeIntervalSince1970 * 1000)
  }
}

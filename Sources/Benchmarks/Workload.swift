import Configuration
import Console
import Foundation
import KafkaLog
import SampleData
import Wiring

/// The made-up catalog and events of a bench, and their way to the broker.
struct Workload: ~Copyable {
  private let bed: BenchBed
  private let destination: LogDestination<KafkaProducer>
  private var generator: RatingGenerator
  /// Events made to fail validation, of those preloaded.
  private(set) var invalid = 0

  /// Loads the catalog, unless that is not wanted.
  init(_ bed: BenchBed, events: Int, invalid: Double) throws {
    let options = bed.options
    var settings = RatingGenerator.Settings()
    settings.users = options.users
    settings.movies = options.movies
    settings.seed = options.seed
    settings.events = events
    settings.invalidShare = invalid
    var kafka = bed.settings.kafkaSettings
    kafka.properties["linger.ms"] = kafka.properties["linger.ms"] ?? "5"
    let log = KafkaLog(settings: kafka, logger: bed.settings.log.makeLogger("bench"))
    let destination = try LogDestination(log, bed.settings.topology, topics: DataTopic.allCases)
    if !options.ratingsOnly { try Self.loadMovies(options, to: destination) }
    self.bed = bed
    self.destination = destination
    generator = RatingGenerator(settings)
  }

  private static func loadMovies(_ options: BenchOptions, to destination: some Destination) throws {
    let movies = MovieGenerator(count: options.movies, seed: options.seed)
    var progress = ProgressBar("movies", unit: "movies", goal: .count(movies.count))
    var key: [UInt8] = []
    var value: [UInt8] = []
    for movie in 1...Int64(movies.count) {
      key.removeAll(keepingCapacity: true)
      value.removeAll(keepingCapacity: true)
      EventText.appendKey(movie, to: &key)
      movies.append(movie, to: &value)
      try destination.send(.movies, key: key.span.bytes, value: value.span.bytes)
      progress.update(Int(movie))
    }
    try destination.flush()
    progress.close(movies.count)
  }

  /// Produces events with null keys, as fast as it goes.
  ///
  /// - Parameter note: called with each valid event's user.
  mutating func preload(_ count: Int, note: (Int64) -> Void = { _ in }) throws {
    var progress = ProgressBar("preload", unit: "events", goal: .count(count))
    for number in 1...max(count, 1) where number <= count {
      generator.next()
      if case .invalid = generator.kind { invalid += 1 } else { note(generator.user) }
      try destination.send(.ratings, key: nil, value: generator.value)
      progress.update(number)
      if number & 0xfff == 0 { try bed.check() }
    }
    try destination.flush()
    progress.finish(count)
  }

  /// Gives the generator away, which goes on where the preloaded events end.
  consuming func takeGenerator() -> RatingGenerator { generator }
}

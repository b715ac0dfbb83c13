import EventLog
import Pipeline
import Ratings
import Simulation
import Streams

/// Makes up valid and invalid input of the pipeline, and remembers what it means. Its events come
/// in no order: late, and some of them several times.
struct RatingFeed {
  private static let catalog: [Int64: [String]] = [
    0: ["Drama"], 1: ["Comedy", "Drama"], 2: ["Action"], 3: [], 4: ["Action", "Comedy"],
  ]
  private static let start: Int64 = 1_600_000_000
  /// Later than all other ratings: when what a clock has done that ran ahead is taken back.
  private static let repair: Int64 = start + 40_000 * 60
  /// What such a clock shows.
  private static let future: Int64 = 1_690_000_000

  private let log: MemoryLog
  private let topology: Topology
  private let partitions: Int32
  /// Valid events of type rating, by where they lie.
  private(set) var ratings: [SourceCoordinates: FeatureOracle.Event] = [:]
  private struct Sent {
    var json: String
    var event: FeatureOracle.Event
    var needsCoercion = false
  }

  /// Values of those that may be sent again.
  private var sent: [Sent] = []
  /// By user and movie, an event that a take-back may name: one from the future, or a take-back.
  private var fromTheFuture: [(pair: FeatureOracle.Pair, event: SourceCoordinates)] = []
  private(set) var valid: Set<SourceCoordinates> = []
  private(set) var invalid: Set<SourceCoordinates> = []
  /// Those whose verdict depends on the settings: numbers as JSON text.
  private(set) var debatable: Set<SourceCoordinates> = []

  init(_ log: MemoryLog, _ topology: Topology, partitions: Int32) {
    self.log = log
    self.topology = topology
    self.partitions = partitions
  }

  func feedCatalog(partitions: Int32) throws {
    for (movie, genres) in Self.catalog.sorted(by: { $0.key < $1.key }) {
      let value =
        #"{"movie_id":\#(movie),"title":"m","genres":"\#(genres.joined(separator: "|"))"}"#
      try log.append(
        to: TopicPartition(topology[.movies], Int32(movie) % partitions),
        key: Array("\(movie)".utf8),
        value: Array(value.utf8))
    }
  }

  mutating func feed(_ random: inout SeededGenerator) throws {
    for _ in 0..<Int.random(in: 0...14, using: &random) {
      switch Int.random(in: 0..<20, using: &random) {
      case 0, 1: invalid.insert(try append(invalidValue(&random), nil, &random))
      case 2: try feedFromTheFuture(&random)
      case 3: try takeBackTheFuture(&random)
      case 4, 5:
        if let again = sent.randomElement(using: &random) { try feed(again, &random) }
      default: try feedRating(&random)
      }
    }
  }

  private func append(
    _ value: [UInt8]?, _ timestamp: Int64?, _ random: inout SeededGenerator
  ) throws -> SourceCoordinates {
    let partition = Int32.random(in: 0..<partitions, using: &random)
    let offset = try log.append(
      to: TopicPartition(topology[.userRatings], partition), key: nil, value: value,
      timestamp: timestamp)
    return SourceCoordinates(partition: partition, offset: offset)
  }

  /// Sends a valid event. Equal times of events are frequent, and equal times of records.
  @discardableResult
  private mutating func feed(_ sent: Sent, _ random: inout SeededGenerator) throws
    -> SourceCoordinates
  {
    let timestamp = 1_700_000_000_000 + Int64.random(in: 0..<3, using: &random)
    var event = sent.event
    event.recordMilliseconds = timestamp
    event.source = try append(Array(sent.json.utf8), timestamp, &random)
    if sent.needsCoercion { debatable.insert(event.source) } else { valid.insert(event.source) }
    ratings[event.source] = event
    return event.source
  }

  private mutating func feedRating(_ random: inout SeededGenerator) throws {
    let user = Int64.random(in: 0..<5, using: &random)
    // One of them is not in the catalog.
    let movie = Int64.random(in: 0..<6, using: &random)
    let stars: Double? =
      random.oneIn(4) ? nil : Double(Int.random(in: 1...10, using: &random)) / 2
    // There are few different times, so duplicates and equal times are frequent.
    let seconds = Self.time(&random)
    let isText = random.oneIn(6)
    let rating = stars.map { "\($0)" } ?? "null"
    let json =
      #"{"user_id":\#(isText ? "\"\(user)\"" : "\(user)"),"movie_id":\#(movie),"#
      + #""timestamp":\#(seconds),"rating":\#(rating)}"#
    let new = Sent(json: json, event: event(user, movie, stars, seconds), needsCoercion: isText)
    for _ in 0..<(random.oneIn(6) ? 2 : 1) { try feed(new, &random) }
    sent.append(new)
  }

  private static func time(_ random: inout SeededGenerator) -> Int64 {
    start + 40_000 * Int64.random(in: 0..<60, using: &random)
  }

  private func event(
    _ user: Int64, _ movie: Int64, _ stars: Double?, _ seconds: Int64,
    retracts: SourceCoordinates? = nil
  ) -> FeatureOracle.Event {
    FeatureOracle.Event(
      user: user, movie: movie, stars: stars, milliseconds: seconds * 1000,
      genres: Set(Self.catalog[movie] ?? []), source: SourceCoordinates(partition: 0, offset: 0),
      recordMilliseconds: -1, retracts: retracts)
  }

  private mutating func feedFromTheFuture(_ random: inout SeededGenerator) throws {
    let pair = FeatureOracle.Pair(
      user: Int64.random(in: 0..<5, using: &random), movie: Int64.random(in: 0..<6, using: &random))
    let stars = Double(Int.random(in: 1...10, using: &random)) / 2
    let json =
      #"{"user_id":\#(pair.user),"movie_id":\#(pair.movie),"timestamp":\#(Self.future),"#
      + #""rating":\#(stars)}"#
    let new = Sent(json: json, event: event(pair.user, pair.movie, stars, Self.future))
    fromTheFuture.append((pair, try feed(new, &random)))
  }

  /// Takes such an event back by name, by a clock of any time.
  private mutating func takeBackTheFuture(_ random: inout SeededGenerator) throws {
    guard let (pair, named) = fromTheFuture.randomElement(using: &random) else { return }
    let seconds = random.oneIn(2) ? Self.repair : Self.time(&random)
    let json =
      #"{"user_id":\#(pair.user),"movie_id":\#(pair.movie),"timestamp":\#(seconds),"#
      + #""rating":null,"retracts":"\#(named.text)"}"#
    let new = Sent(
      json: json, event: event(pair.user, pair.movie, nil, seconds, retracts: named))
    let source = try feed(new, &random)
    sent.append(new)
    // What is taken back then is a take-back.
    if random.oneIn(2) { fromTheFuture.append((pair, source)) }
  }

  private func invalidValue(_ random: inout SeededGenerator) -> [UInt8]? {
    let values: [[UInt8]?] = [
      nil, [], Array("not json".utf8),
      Array(#"{"user_id":1,"movie_id":2,"rating":7,"timestamp":1600000000}"#.utf8),
      Array(#"{"user_id":1,"movie_id":2,"timestamp":1600000000}"#.utf8),
    ]
    return values[Int.random(in: 0..<values.count, using: &random)]
  }
}

import EventLog
import Pipeline
import Ratings
import Simulation
import Streams

/// Makes up valid and invalid input of the pipeline, and remembers what it means.
struct RatingFeed {
  private static let catalog: [Int64: [String]] = [
    0: ["Drama"], 1: ["Comedy", "Drama"], 2: ["Action"], 3: [], 4: ["Action", "Comedy"],
  ]
  private static let start: Int64 = 1_600_000_000

  private let log: MemoryLog
  private let topology: Topology
  private let partitions: Int32
  /// Valid events of type rating, by where they lie.
  private(set) var ratings: [SourceCoordinates: FeatureOracle.Event] = [:]
  private(set) var valid: Set<SourceCoordinates> = []
  private(set) var invalid: Set<SourceCoordinates> = []

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
      if random.oneIn(10) {
        invalid.insert(try append(invalidValue(&random), &random))
      } else {
        try feedRating(&random)
      }
    }
  }

  private func append(_ value: [UInt8]?, _ random: inout SeededGenerator) throws
    -> SourceCoordinates
  {
    let partition = Int32.random(in: 0..<partitions, using: &random)
    let offset = try log.append(
      to: TopicPartition(topology[.userRatings], partition), key: nil, value: value)
    return SourceCoordinates(partition: partition, offset: offset)
  }

  private mutating func feedRating(_ random: inout SeededGenerator) throws {
    let user = Int64.random(in: 0..<5, using: &random)
    // One of them is not in the catalog.
    let movie = Int64.random(in: 0..<6, using: &random)
    let stars: Double? =
      random.oneIn(4) ? nil : Double(Int.random(in: 1...10, using: &random)) / 2
    // There are few different times, so duplicates and equal times are frequent.
    let seconds = Self.start + 40_000 * Int64.random(in: 0..<60, using: &random)
    let rating = stars.map { "\($0)" } ?? "null"
    let json =
      #"{"user_id":\#(user),"movie_id":\#(movie),"timestamp":\#(seconds),"rating":\#(rating)}"#
    for _ in 0..<(random.oneIn(6) ? 2 : 1) {
      let place = try append(Array(json.utf8), &random)
      valid.insert(place)
      ratings[place] = FeatureOracle.Event(
        user: user, movie: movie, stars: stars, milliseconds: seconds * 1000,
        genres: Set(Self.catalog[movie] ?? []))
    }
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

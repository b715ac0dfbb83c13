import Codecs
import EventLog
import Ratings
import StateStore
import Streams
import Testing

@testable import Pipeline
@testable import Simulation

/// Leaves behind what an earlier version of the user stage did: rows hold what arrived last,
/// take-backs are forgotten, and events at or below the newest offset of their source are dropped.
struct EarlierVersion {
  private struct User {
    var rows: [Int64: UserRating] = [:]
  }

  private let chain: Chain
  private let partition: Int32
  private var users: [Int64: User] = [:]
  private var genres = GenreDictionary()
  private var newest: [Int32: SourcePosition] = [:]

  /// Folds what intake has validated, and writes changelogs, changes and the group's offsets.
  ///
  /// - Parameter folded: how far this version has got with folding that again, `nil` if it has not
  ///   begun.
  static func run(_ chain: Chain, folded: Int64? = nil) throws {
    for partition in 0..<chain.partitions {
      var version = EarlierVersion(chain: chain, partition: partition)
      try version.fold()
      try version.writeChangelog(folded: folded)
    }
  }

  private init(chain: Chain, partition: Int32) {
    self.chain = chain
    self.partition = partition
  }

  private mutating func fold() throws {
    var parser = CanonicalEventParser()
    for record in try chain.log.records(of: TopicPartition(Topics.validatedRatings, partition)) {
      let value = try #require(record.value)
      let (event, set) = try parser.parse(
        value.span.bytes, recordTime: record.timestamp, numbering: &genres)
      let known = newest[event.source.partition]
      guard !RepeatFilter.isRepeat(event.source.offset, after: known?.offset) else { continue }
      newest[event.source.partition] = SourcePosition(
        offset: event.source.offset, timestamp: record.timestamp)
      guard event.type == .rating, let movie = event.movie else { continue }
      let old = users[event.user]?.rows[movie]
      let new = event.rating.map {
        UserRating(
          rating: $0, timeMilliseconds: event.timeMilliseconds, genres: set,
          source: SourceCoordinates(partition: 0, offset: -1))
      }
      guard old != new else { continue }
      users[event.user, default: User()].rows[movie] = new
      try send(
        RatingChange(
          movie: movie, user: event.user, old: old?.timed, new: new?.timed,
          source: SourceCoordinates(partition: partition, offset: record.offset)))
    }
  }

  private func send(_ change: RatingChange) throws {
    var writer = JSONWriter()
    change.write(to: &writer)
    let key = Array("\(change.movie)".utf8)
    let home = KeyPartitioner.partition(of: key, among: Int(chain.partitions))
    try chain.log.append(
      to: TopicPartition(Topics.ratingsByMovie, home), key: key, value: writer.copyBytes(),
      timestamp: 1_700_000_000_000)
  }

  private func writeChangelog(folded: Int64?) throws {
    for (user, state) in users.sorted(by: { $0.key < $1.key }) where !state.rows.isEmpty {
      var aggregate = UserAggregate()
      for (movie, row) in state.rows.sorted(by: { $0.key < $1.key }) {
        _ = aggregate.apply(old: nil, new: row, movie: movie)
        var value: [UInt8] = []
        value.append(1)
        value.append(row.rating?.rawValue ?? 0)
        value.append(atMost: 20) {
          $0.signedVarint(row.timeMilliseconds)
          $0.varint(row.genres.rawValue)
        }
        try put(UserTables.ratings, StoreKey(user, movie), value)
      }
      var value: [UInt8] = []
      aggregate.encode(into: &value)
      // Without the time of a take-back, of which there are none.
      value[0] = 1
      value.removeLast()
      try put(UserTables.aggregates, StoreKey(user), value)
    }
    var value: [UInt8] = []
    genres.encode(into: &value)
    try put(UserTables.genres, UserTables.genresKey, value)
    for (source, position) in newest.sorted(by: { $0.key < $1.key }) {
      try put(
        UserTables.sources, StoreKey(Int64(source)), bytes(position.encoded.span.bytes))
    }
    if let folded {
      var progress: [UInt8] = []
      RefoldProgress(nextOffset: folded).encode(into: &progress)
      try put(UserTables.refold, UserTables.refoldKey, progress)
    }
    let input = TopicPartition(Topics.validatedRatings, partition)
    let end = try chain.log.offsets(of: input).upperBound
    try put(.meta, Position.key, bytes(Position(inputOffset: end).encoded.span.bytes))
    chain.log.setForeignOffsets([input: end], of: Chain.topology.group(of: .user))
  }

  private func put(_ table: Table, _ key: borrowing StoreKey, _ value: [UInt8]) throws {
    try put(table, bytes(key.span), value)
  }

  private func bytes(_ span: RawSpan) -> [UInt8] { span.withUnsafeBytes { [UInt8]($0) } }

  private func put(_ table: Table, _ key: [UInt8], _ value: [UInt8]) throws {
    try chain.log.append(
      to: TopicPartition(Topics.userChangelog, partition), key: [table.rawValue] + key,
      value: value)
  }
}

public import Codecs
import Ratings
public import StateStore
import Streams

/// How far the state of an earlier version was folded again.
public struct RefoldProgress: Hashable, Sendable, StoredValue {
  /// Offset of the next record of `validated-ratings` to fold.
  public var nextOffset: Int64
  /// How many corrections were sent to the movie stage.
  public var corrections: Int64

  public init(nextOffset: Int64 = 0, corrections: Int64 = 0) {
    self.nextOffset = nextOffset
    self.corrections = corrections
  }

  // Layout: version, then both numbers (LEB128).
  public func encode(into bytes: inout [UInt8]) {
    bytes.append(atMost: 21) { writer in
      writer.byte(storedFormatVersion)
      writer.varint(UInt64(nextOffset))
      writer.varint(UInt64(corrections))
    }
  }

  public init(decoding bytes: RawSpan) throws(CodecError) {
    var reader = ByteReader(bytes)
    try reader.version()
    nextOffset = try reader.varint(as: Int64.self)
    corrections = try reader.varint(as: Int64.self)
    try reader.end()
  }
}

/// Brings a partition's state of an earlier version under this version's rules.
///
/// Earlier versions kept what had arrived last, forgot take-backs, and took unseen events for
/// repeats. So `validated-ratings` is folded again up to the state's position, in three steps, each
/// a batch at a time:
///
/// 1. Fold: rows of `ratings` are replaced, aggregates gather in a table of their own. Nothing is
///    sent. Where what stands differs from what the movie stage has counted, the latter is noted.
/// 2. Correct: each such difference becomes a change with a number of its own, by which the movie
///    stage recognizes a repeat.
/// 3. Adopt: the aggregates take the place of the old ones, and all features are published.
///
/// Progress is part of the state and every step a function of it, so the work goes on after a crash
/// at any moment as if there had been none. In the end the state is, byte for byte, what a fold
/// from nothing gives.
struct UserRefold {
  /// Left by an earlier version: that there are any says that the state is one.
  private var sources: StateTable<SourceKey, SourcePosition?>
  private var stored: StateTable<RefoldKey, RefoldProgress?>
  private(set) var progress: RefoldProgress
  private var counted: StateTable<RatingKey, UserRating?>
  private var aggregates: StateTable<UserKey, UserAggregate>

  /// - Returns: `nil` for a state of this version.
  init?<Store, Producer>(_ task: PartitionTask<Store, Producer>) throws(StageError) {
    sources = StateTable(UserTables.sources, of: task)
    var isEarlier = false
    try sources.scan { (_, _) throws(StageError) in
      isEarlier = true
      return false
    }
    guard isEarlier else { return nil }
    stored = StateTable(UserTables.refold, of: task)
    progress = try stored.get(RefoldKey()) ?? RefoldProgress()
    counted = StateTable(UserTables.refoldCounted, of: task)
    aggregates = StateTable(UserTables.aggregates, of: task)
  }

  // MARK: Folding

  /// Notes that the fold has got on.
  mutating func reach(_ offset: Int64) { progress.nextOffset = max(progress.nextOffset, offset) }

  /// Notes that another row stands.
  ///
  /// - Parameters:
  ///   - old: what stood before; at first what an earlier version has counted.
  ///   - isFirst: whether nothing was folded yet of this user and movie.
  mutating func noteChange(
    _ key: RatingKey, from old: UserRating?, to new: UserRating, isFirst: Bool
  ) throws(StageError) {
    if isFirst, old?.timed == new.timed { return }
    let row = try counted.row(of: key, mayBeStored: !isFirst)
    let before = counted[row] ?? old ?? Self.nothing
    let isSettled = before.timed == new.timed
    if counted[row] != nil || !isSettled { counted[row] = isSettled ? nil : before }
  }

  /// What is counted of a movie that the user has said nothing of.
  private static let nothing = UserRating(
    rating: nil, timeMilliseconds: 0, source: SourceCoordinates(partition: 0, offset: 0))

  // MARK: Correcting

  /// The next of what the movie stage has counted and does not stand.
  mutating func nextCounted(atMost limit: Int) throws(StageError) -> [(RatingKey, UserRating)] {
    var found: [(RatingKey, UserRating)] = []
    try counted.scan { (key, rating) throws(StageError) in
      if let rating { found.append((key, rating)) }
      return found.count < limit
    }
    return found
  }

  /// Notes that a correction is sent.
  ///
  /// - Returns: its number.
  mutating func settle(_ key: RatingKey) -> Int64 {
    counted.remove(key)
    progress.corrections += 1
    return progress.corrections - 1
  }

  // MARK: Adopting

  /// Puts an aggregate where it belongs.
  mutating func adopt(_ key: UserKey, _ aggregate: UserAggregate) { aggregates.put(key, aggregate) }

  /// Notes that nothing is left to do.
  mutating func finish() throws(StageError) {
    var found: [SourceKey] = []
    try sources.scan { (key, _) throws(StageError) in
      found.append(key)
      return true
    }
    for key in found { sources.remove(key) }
    stored.remove(RefoldKey())
  }

  mutating func writeChanges() throws(StageError) {
    try aggregates.writeChanges()
    try counted.writeChanges()
    try stored.writeChanges()
    try sources.writeChanges()
  }

  /// Keeps the progress with the batch.
  mutating func keepProgress() { stored.put(RefoldKey(), progress) }
}

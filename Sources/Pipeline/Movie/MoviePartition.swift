public import Streams
import Codecs
public import Ratings
public import StateStore

extension MovieAggregate: StateValue {}

/// What the movie stage keeps of one partition: its tables, and what the open batch has yet to
/// send.
public struct MoviePartition: PartitionState {
  /// What the batch has done to a movie.
  struct Activity {
    /// Newest time of the records that changed the movie.
    var recordTimestamp: Int64 = -1
    /// How many blocks of the movie's journal the store held when the batch began.
    fileprivate let storedBlocks: Int64
    /// The journal's last block, once the batch has appended to it.
    fileprivate var lastBlock: (number: Int64, row: Int)?

    fileprivate init(storedBlocks: Int64) {
      self.storedBlocks = storedBlocks
    }
  }

  private var sources: SourcePositions
  private var corrections: SourcePositions
  private(set) var movies: StateTable<MovieKey, MovieAggregate>
  private var times: StateTable<TimesKey, TimesBlock>
  private var takeBacks: StateTable<TakeBackKey, TakeBackCount>
  /// By row of `movies`.
  private(set) var activity: [Activity] = []

  init<Store, Producer>(_ task: PartitionTask<Store, Producer>, source: SourceTopic)
    throws(StageError)
  {
    sources = try SourcePositions(task, table: MovieTables.sources, of: source)
    corrections = try SourcePositions(task, table: MovieTables.corrections, of: nil)
    movies = StateTable(MovieTables.aggregates, of: task)
    times = StateTable(MovieTables.times, of: task)
    takeBacks = StateTable(MovieTables.takeBacks, of: task)
  }

  // MARK: Changes

  /// Folds the change of a rating into its movie, unless it is in the state already.
  mutating func apply(_ change: RatingChange, recordTimestamp: Int64) throws(StageError) {
    let isNew =
      if change.isCorrection {
        try corrections.advance(to: change.source, timestamp: recordTimestamp)
      } else {
        try sources.advance(to: change.source, timestamp: recordTimestamp)
      }
    guard isNew else { return }
    let row = try row(ofMovie: change.movie)
    if let old = change.old {
      try note(TimeJournal.Entry(milliseconds: old.timeMilliseconds, isRemoval: true), row)
    }
    if let new = change.new {
      try note(TimeJournal.Entry(milliseconds: new.timeMilliseconds, isRemoval: false), row)
    }
    try count(takeBacksOf: change, row)
    let mustRescan = movies[row].apply(change)
    activity[row].recordTimestamp = max(activity[row].recordTimestamp, recordTimestamp)
    if mustRescan { try rescanTimes(row) }
    try shortenJournal(row)
  }

  /// The row of a movie.
  private mutating func row(ofMovie movie: Int64) throws(StageError) -> Int {
    let row = try movies.row(of: MovieKey(movie: movie))
    if row == activity.count {
      activity.append(Activity(storedBlocks: movies[row].journal.blocks))
    }
    return row
  }

  /// Shows the aggregate every remaining time, after the first or last one was taken back.
  private mutating func rescanTimes(_ row: Int) throws(StageError) {
    let remaining = try remainingTimes(row)
    movies[row].resetTimes()
    for time in remaining { movies[row].noteTime(time) }
  }

  // MARK: Take-backs

  /// Counts a take-back that comes, and one that gives way.
  private mutating func count(takeBacksOf change: RatingChange, _ row: Int) throws(StageError) {
    func key(_ time: Int64) -> TakeBackKey {
      TakeBackKey(movie: change.movie, milliseconds: time)
    }
    if let time = change.newTakeBackMilliseconds {
      try takeBacks.update(key(time)) { $0.count += 1 }
    }
    guard let time = change.oldTakeBackMilliseconds else { return }
    // Earlier versions have counted none.
    try takeBacks.update(key(time)) { if $0.count > 0 { $0.count -= 1 } }
    guard movies[row].losesNewestTakeBack(to: change) else { return }
    var newest: Int64?
    try takeBacks.scan(prefix: movies.key(of: row)) { (key, _) throws(StageError) in
      newest = key.milliseconds
      return false
    }
    movies[row].replaceNewestTakeBack(by: newest)
  }

  // MARK: Journal

  /// Appends a time that came or went.
  private mutating func note(_ entry: TimeJournal.Entry, _ row: Int) throws(StageError) {
    let openBlock = movies[row].journal.openBlock
    let block = movies[row].extendJournal()
    let blockRow: Int
    if let last = activity[row].lastBlock, last.number == block {
      blockRow = last.row
    } else {
      blockRow = try times.row(
        of: TimesKey(movie: movies.key(of: row).movie, block: block),
        mayBeStored: block == openBlock)
      activity[row].lastBlock = (block, blockRow)
    }
    times[blockRow].append(entry)
  }

  /// Replaces a journal whose entries mostly cancel each other by the times that remain. Checked
  /// after each event: checked once a batch, the state would depend on where batches end.
  private mutating func shortenJournal(_ row: Int) throws(StageError) {
    let remaining = movies[row].statistics.count
    if remaining == 0 {
      try replaceJournal(row, by: [])
    } else if movies[row].journal.isWorthRewriting(remaining: remaining) {
      try replaceJournal(row, by: try remainingTimes(row))
    }
  }

  /// Starts a movie's journal over, with these times.
  private mutating func replaceJournal(_ row: Int, by remaining: [Int64]) throws(StageError) {
    let movie = movies.key(of: row).movie
    for block in 0..<movies[row].journal.blocks {
      let key = TimesKey(movie: movie, block: block)
      if block < activity[row].storedBlocks {
        times.remove(key)
      } else {
        times.discard(row: try times.row(of: key, mayBeStored: false))
      }
    }
    activity[row].lastBlock = nil
    movies[row].resetJournal()
    for time in remaining {
      try note(TimeJournal.Entry(milliseconds: time, isRemoval: false), row)
    }
  }

  /// The times that remain after all entries of the journal.
  private mutating func remainingTimes(_ row: Int) throws(StageError) -> [Int64] {
    var remaining = RemainingTimes()
    var failure: CodecError?
    try times.scan(prefix: movies.key(of: row)) { (_, block) throws(StageError) in
      do throws(CodecError) { try block.forEach { remaining.apply($0) } } catch { failure = error }
      return failure == nil
    }
    if let failure { throw times.unreadable(failure) }
    return remaining.sorted
  }

  // MARK: Batch

  public mutating func writeTables() throws(StageError) {
    try times.writeChanges()
    try takeBacks.writeChanges()
    try movies.writeChanges()
    try sources.writeChanges()
    try corrections.writeChanges()
    activity.removeAllOfBatch()
  }
}

/// How many take-backs of a movie and of one time stand.
struct TakeBackCount: StateValue {
  var count: UInt64 = 0

  init() {}

  var isEmpty: Bool { count == 0 }

  // LEB128.
  init(decoding bytes: RawSpan) throws(CodecError) {
    var reader = ByteReader(bytes)
    count = try reader.varint()
    try reader.end()
  }

  func encode(into bytes: inout [UInt8]) { bytes.append(atMost: 10) { $0.varint(count) } }
}

/// A block of a movie's journal, still encoded: most blocks are only appended to.
private struct TimesBlock: StateValue {
  private var bytes: [UInt8] = []

  init() {}

  var isEmpty: Bool { bytes.isEmpty }

  init(decoding bytes: RawSpan) { self.bytes = [UInt8](copying: bytes) }

  func encode(into bytes: inout [UInt8]) { bytes += self.bytes }

  mutating func append(_ entry: TimeJournal.Entry) { TimeJournal.append(entry, to: &bytes) }

  func forEach(_ body: (TimeJournal.Entry) -> Void) throws(CodecError) {
    try TimeJournal.forEach(in: bytes.span.bytes, body)
  }
}

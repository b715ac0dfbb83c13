public import EventLog
import Ratings
public import Recommender
import Streams

/// What users say of movies, from all partitions of `validated-ratings`, kept outside the log so
/// that only what is new has to be read from it.
///
/// It is a function of the log: whatever it lacks, and whatever does not match the log it is met
/// with, is read again. Belongs to one thread.
public final class RatingCache<File: RatingCacheFile> {
  private var partitions: [CachedPartition<File>]
  /// Gets a sentence about what can't be used.
  private let tell: (String) -> Void

  /// Looks at what there is.
  ///
  /// - Parameters:
  ///   - sources: all partitions of the topic, in order.
  ///   - file: where a partition is kept.
  ///   - tell: gets a sentence about what can't be used.
  public init(
    _ sources: [CacheSource], file: (CacheSource) -> File, tell: @escaping (String) -> Void
  ) throws(RatingCacheError) {
    self.tell = tell
    partitions = []
    for source in sources {
      partitions.append(try CachedPartition(source, file(source), tell: tell))
    }
  }

  /// By partition, the offset behind all that it has.
  public var ends: [Int64] { partitions.map(\.next) }

  /// How many statements are at or behind these offsets, which may name fewer partitions.
  public func count(from offsets: [Int64]) throws(RatingCacheError) -> Int {
    var count = 0
    for (number, partition) in partitions.enumerated() {
      count += try partition.count(from: number < offsets.count ? offsets[number] : 0)
    }
    return count
  }

  /// The ratings in force below these offsets.
  public func ratings(below ends: [Int64]) throws(RatingCacheError) -> RatingMatrix {
    var reduction = RatingReduction()
    try forEach(below: ends) { reduction.take($0) }
    return try reduction.finish { (take) throws(RatingCacheError) in
      try forEach(below: ends, take)
    }
  }

  /// The users who have said something below these offsets.
  public func users(below ends: [Int64]) throws(RatingCacheError) -> Set<Int64> {
    var users: Set<Int64> = []
    try forEach(below: ends) { users.insert($0.user) }
    return users
  }

  private func forEach(below ends: [Int64], _ body: (RatingStatement) -> Void)
    throws(RatingCacheError)
  {
    for (partition, end) in zip(partitions, ends) { try partition.forEach(below: end, body) }
  }

  // MARK: Following the log

  /// Reads what is new.
  ///
  /// - Parameters:
  ///   - ends: by partition, where to stop; what lies behind them is left for the next time.
  ///   - goesOn: called now and then with the offsets read and their total; returns false to stop
  ///     early, with what was read kept.
  public func update<Log: EventLog>(
    from log: Log, to ends: [Int64], clientID: String,
    goesOn: (_ read: Int64, _ all: Int64) -> Bool = { _, _ in true }
  ) throws(RatingCacheUpdateError) {
    do throws(LogError) {
      // The next offset may be that of another record in a topic that was made again.
      while try !read(from: log, to: ends, clientID, goesOn) {}
    } catch { throw .log(error) }
    if let failure {
      self.failure = nil
      throw .cache(failure)
    }
  }

  /// What went wrong with a file in the middle of reading.
  private var failure: RatingCacheError?

  /// - Returns: false if a partition turned out to be another one, and has to be read from its
  ///   beginning.
  private func read<Log: EventLog>(
    from log: Log, to ends: [Int64], _ clientID: String, _ goesOn: (Int64, Int64) -> Bool
  ) throws(LogError) -> Bool {
    var open: [Int] = []
    var cursors: [PartitionCursor] = []
    for (number, end) in ends.enumerated() where number < partitions.count {
      if end < partitions[number].next { forget(number, "ends at offset \(end) now") }
      guard end > partitions[number].next, failure == nil else { continue }
      // Begins with the last record that is known, to see that it is still the same.
      let start = partitions[number].last?.offset ?? 0
      open.append(number)
      cursors.append(
        PartitionCursor(
          TopicPartition(partitions[number].source.topic, Int32(number)), from: .at(start),
          to: end))
    }
    guard !open.isEmpty, failure == nil else { return true }
    var reading = CacheReading(open.map { partitions[$0] })
    var reader = try PartitionReader(
      log, topics: [partitions[open[0]].source.topic], clientID: clientID, maxQueuedBytes: 32 << 20)
    try reader.begin(cursors)
    while !reader.isFinished, failure == nil, reading.impostor == nil {
      try reader.poll(maxRecords: 50_000) { index, record in
        reading.take(record, from: index)
      }
      guard reading.impostor == nil else { break }
      let isDone = reader.isFinished
      save(&reading, open, reader.cursors, all: isDone)
      if !isDone, !goesOn(reader.passed, reader.total) { break }
    }
    if reader.isFinished { reading.settle() }
    if let impostor = reading.impostor {
      forget(open[impostor], "holds another record at a known offset")
    } else {
      save(&reading, open, reader.cursors, all: true)
    }
    return reading.impostor == nil || failure != nil
  }

  /// Writes blocks of what was read.
  ///
  /// - Parameter all: also those that are not full.
  private func save(
    _ reading: inout CacheReading, _ open: [Int], _ cursors: [PartitionCursor], all: Bool
  ) {
    for (index, number) in open.enumerated() {
      let end = min(cursors[index].next, cursors[index].end)
      guard failure == nil, end > partitions[number].next,
        all || reading.isFull(index)
      else { continue }
      // The first record read again is no proof while it has not come.
      guard reading.isTrusted(index) else { continue }
      do throws(RatingCacheError) {
        try partitions[number].append(reading.writer(index), to: end)
        reading.begin(index, from: end, after: partitions[number].last)
      } catch { failure = error }
    }
  }

  private func forget(_ number: Int, _ why: String) {
    let source = partitions[number].source
    tell(
      "\(source) \(why): the topic was made again or truncated, and the cache of it is read again"
        + " from the beginning")
    do throws(RatingCacheError) { try partitions[number].rebuild() } catch { failure = error }
  }
}

/// Why the cache can't be brought up to date.
public enum RatingCacheUpdateError: Error, Hashable, Sendable {
  case log(LogError)
  case cache(RatingCacheError)
}

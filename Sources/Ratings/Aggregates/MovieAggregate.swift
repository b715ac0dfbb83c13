public import Codecs

/// The state of one movie.
public struct MovieAggregate: Sendable, Equatable {
  public private(set) var statistics = RatingStatistics()
  /// The end of the movie's journal of times.
  public private(set) var journal = TimeJournal()
  /// The number of changes applied since the last time there were no ratings.
  public private(set) var version: UInt64 = 0
  /// The newest time of the take-backs that stand; -1 if there are none.
  private var newestTakeBack: Int64 = -1

  public init() {}

  /// Whether nothing stands of what users have said of the movie.
  public var isEmpty: Bool { statistics.count == 0 && newestTakeBack < 0 }

  /// The newest event time of what stands, ratings and take-backs; 0 if nothing does.
  public var eventTimeMilliseconds: Int64 {
    max(0, newestTakeBack, statistics.lastRatingMilliseconds ?? 0)
  }

  /// Applies one change of a rating.
  ///
  /// - Returns: whether the caller must note all remaining times again; see
  ///   `RatingStatistics.retract`.
  public mutating func apply(_ change: borrowing RatingChange) -> Bool {
    version += 1
    let mustRescan = statistics.apply(old: change.old, new: change.new)
    newestTakeBack = max(newestTakeBack, change.newTakeBackMilliseconds ?? -1)
    // As if the movie had never been rated; the journal stays, so that its blocks can be deleted.
    if statistics.count == 0 { version = 0 }
    return mustRescan
  }

  /// Whether the change takes away the newest take-back. The caller must then look for the one that
  /// takes its place, and call `replaceNewestTakeBack`.
  public func losesNewestTakeBack(to change: borrowing RatingChange) -> Bool {
    guard let old = change.oldTakeBackMilliseconds else { return false }
    return old == newestTakeBack
  }

  /// - Parameter milliseconds: the newest time of the take-backs that remain; `nil` for none.
  public mutating func replaceNewestTakeBack(by milliseconds: Int64?) {
    newestTakeBack = milliseconds ?? -1
  }

  /// Makes room for an entry in the journal of times.
  ///
  /// - Returns: the number of its block.
  public mutating func extendJournal() -> Int64 { journal.extend() }

  /// Restarts the journal of times.
  public mutating func resetJournal() { journal = TimeJournal() }

  /// Forgets all times, so that they can be noted again.
  public mutating func resetTimes() { statistics.resetTimes() }

  /// Notes the time of a remaining rating.
  public mutating func noteTime(_ milliseconds: Int64) { statistics.noteTime(milliseconds) }

  private static let formatVersion: UInt8 = 2

  // Version 1 has no time of a take-back. It is still written of a movie without take-backs, so
  // that a state of an earlier version is, byte for byte, what its input gives.
  public func encode(into bytes: inout [UInt8]) {
    bytes.append(atMost: 51 + RatingStatistics.maximumEncodedBytes) { writer in
      writer.byte(newestTakeBack < 0 ? storedFormatVersion : Self.formatVersion)
      writer.varint(version)
      statistics.encode(into: &writer)
      journal.encode(into: &writer)
      if newestTakeBack >= 0 { writer.varint(UInt64(newestTakeBack + 1)) }
    }
  }

  public init(decoding bytes: RawSpan) throws(CodecError) {
    var reader = ByteReader(bytes)
    let format = try reader.version(upTo: Self.formatVersion)
    version = try reader.varint()
    statistics = try RatingStatistics(from: &reader)
    journal = try TimeJournal(from: &reader)
    if format > 1 { newestTakeBack = try reader.varint(as: Int64.self) - 1 }
    try reader.end()
  }
}

/// Totals over all ratings: the prior of the Bayesian average.
public struct CatalogPrior: Hashable, Sendable {
  public var ratingCount: Int64
  /// Movies with at least one rating.
  public var movieCount: Int64
  public var halfStarSum: Int64

  public init(ratingCount: Int64 = 0, movieCount: Int64 = 0, halfStarSum: Int64 = 0) {
    self.ratingCount = ratingCount
    self.movieCount = movieCount
    self.halfStarSum = halfStarSum
  }

  /// Replaces one movie's statistics before a change with those after it.
  public mutating func update(from before: RatingStatistics, to after: RatingStatistics) {
    ratingCount += Int64(after.count - before.count)
    halfStarSum += Int64(after.halfStarSum - before.halfStarSum)
    movieCount += (after.count > 0 ? 1 : 0) - (before.count > 0 ? 1 : 0)
  }

  /// C: ratings per rated movie.
  public var ratingsPerMovie: Double {
    movieCount > 0 ? Double(ratingCount) / Double(movieCount) : 0
  }

  /// m: the mean of all ratings, in stars.
  public var mean: Double {
    ratingCount > 0 ? Double(halfStarSum) / Double(2 * ratingCount) : 0
  }

  /// The Bayesian average (C·m + R·v) / (C + v) of a movie with mean R and count v: it pulls the
  /// mean of a movie with few ratings towards the mean of all ratings. 0 if there are no ratings at
  /// all.
  public func quality(of statistics: RatingStatistics) -> Double {
    quality(count: Int64(statistics.count), halfStarSum: Int64(statistics.halfStarSum))
  }

  /// `quality(of:)` for a movie with this count and sum.
  public func quality(count: Int64, halfStarSum: Int64) -> Double {
    let weight = ratingsPerMovie
    let total = weight + Double(count)
    guard total > 0 else { return 0 }
    return (weight * mean + Double(halfStarSum) / 2) / total
  }
}

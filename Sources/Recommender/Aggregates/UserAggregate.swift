/// What is kept of one user: statistics of all ratings, and a tally by genre.
public struct UserAggregate: Sendable, Equatable {
  public private(set) var statistics = RatingStatistics()
  public private(set) var genres = GenreTally()
  /// The number of changes applied.
  public private(set) var version: UInt64 = 0

  public init() {}

  /// Applies one change of a rating: old without new takes it back, new without old is a first one.
  ///
  /// - Parameter oldGenres: the genres the old rating was counted under.
  /// - Returns: true when the caller must show all remaining times again; see
  ///   `RatingStatistics.retract`.
  public mutating func apply(
    old: TimedRating?, oldGenres: GenreSet, new: TimedRating?, newGenres: GenreSet
  ) -> Bool {
    version += 1
    if let old { genres.retract(old.rating, genres: oldGenres) }
    if let new { genres.add(new.rating, genres: newGenres) }
    return statistics.apply(old: old, new: new)
  }

  /// Forgets the times, before they are noted again.
  public mutating func resetTimes() { statistics.resetTimes() }

  /// Notes the time of a remaining rating.
  public mutating func noteTime(_ milliseconds: Int64) { statistics.noteTime(milliseconds) }

  public func encode(into bytes: inout [UInt8]) {
    let capacity = 11 + RatingStatistics.maximumEncodedBytes + GenreTally.maximumEncodedBytes
    bytes.append(atMost: capacity) { writer in
      writer.byte(storedFormatVersion)
      writer.varint(version)
      statistics.encode(into: &writer)
      genres.encode(into: &writer)
    }
  }

  public init(decoding bytes: RawSpan) throws(CodecError) {
    var reader = ByteReader(bytes)
    try reader.version()
    version = try reader.varint()
    statistics = try RatingStatistics(from: &reader)
    genres = try GenreTally(from: &reader)
    try reader.end()
  }
}

extension RatingStatistics {
  /// Applies one change of a rating; returns as `retract`.
  mutating func apply(old: TimedRating?, new: TimedRating?) -> Bool {
    switch (old, new) {
    case (let old?, let new?):
      return replace(old, with: new)
    case (let old?, nil):
      return retract(old.rating, timeMilliseconds: old.timeMilliseconds)
    case (nil, let new?):
      add(new.rating, timeMilliseconds: new.timeMilliseconds)
      return false
    case (nil, nil):
      return false
    }
  }
}

/// Count and sum of one user's ratings for each genre. A rating counts for all genres of its movie.
public struct GenreTally: Sendable, Equatable {
  private var counts = InlineArray<64, UInt32>(repeating: 0)
  private var halfStarSums = InlineArray<64, UInt32>(repeating: 0)
  /// The genres with ratings.
  private var present = GenreSet()

  public init() {}

  /// A genre's part of the ratings.
  public struct Share: Hashable, Sendable {
    public var name: String
    public var count: Int
    /// The mean in stars.
    public var mean: Double
  }

  /// The genre with the most ratings; of several, the one whose name comes first (by UTF-8 bytes).
  public func favorite(in dictionary: borrowing GenreDictionary) -> Share? {
    var best: Int?
    for genre in present where Int(genre) < dictionary.names.count {
      let index = Int(genre)
      if let best {
        if counts[index] < counts[best] { continue }
        let isTie = counts[index] == counts[best]
        let names = (dictionary.names[index].utf8, dictionary.names[best].utf8)
        if isTie && !names.0.lexicographicallyPrecedes(names.1) { continue }
      }
      best = index
    }
    guard let best else { return nil }
    let count = Int(counts[best])
    return Share(
      name: dictionary.names[best], count: count,
      mean: Double(halfStarSums[best]) / Double(2 * count))
  }

  mutating func add(_ rating: HalfStars, genres: GenreSet) {
    for genre in genres {
      counts[Int(genre)] += 1
      halfStarSums[Int(genre)] += UInt32(rating.rawValue)
    }
    present.rawValue |= genres.rawValue
  }

  mutating func retract(_ rating: HalfStars, genres: GenreSet) {
    for genre in genres {
      let index = Int(genre)
      let sum = UInt32(rating.rawValue)
      guard counts[index] > 0, halfStarSums[index] >= sum else { continue }
      counts[index] -= 1
      halfStarSums[index] -= sum
      if counts[index] == 0 { present.rawValue &= ~(1 << UInt64(genre)) }
    }
  }

  public static func == (a: GenreTally, b: GenreTally) -> Bool {
    guard a.present == b.present else { return false }
    for genre in a.present {
      let index = Int(genre)
      if a.counts[index] != b.counts[index] || a.halfStarSums[index] != b.halfStarSums[index] {
        return false
      }
    }
    return true
  }

  // Layout: the mask of the genres with ratings, then count and sum of each, as LEB128.
  static let maximumEncodedBytes = 10 + 64 * 10

  func encode(into bytes: inout ByteWriter) {
    bytes.varint(present.rawValue)
    for genre in present {
      bytes.varint(UInt64(counts[Int(genre)]))
      bytes.varint(UInt64(halfStarSums[Int(genre)]))
    }
  }

  init(from reader: inout ByteReader) throws(CodecError) {
    self.init()
    present = GenreSet(rawValue: try reader.varint())
    for genre in present {
      counts[Int(genre)] = try reader.varint(as: UInt32.self)
      halfStarSums[Int(genre)] = try reader.varint(as: UInt32.self)
      guard counts[Int(genre)] > 0 else { throw CodecError("a genre is listed without ratings") }
    }
  }
}

import Codecs

/// Count and sum of one user's ratings for each genre. A rating counts for all genres of its movie.
public struct GenreTally: Sendable, Equatable {
  private struct Entry: Equatable {
    var count: UInt32
    var halfStarSum: UInt32
  }

  /// The genres with ratings.
  private var present = GenreSet()
  /// One for each genre with ratings, by rising number: a user has rated few of up to 64 genres,
  /// and a batch holds many users.
  private var entries: [Entry] = []

  public init() {}

  /// A genre's share of the ratings.
  public struct Share: Hashable, Sendable {
    public var name: String
    public var count: Int
    /// The mean in stars.
    public var mean: Double
  }

  /// The genre with the most ratings; on a tie, the one whose name sorts first by UTF-8 bytes.
  public func favorite(in dictionary: borrowing GenreDictionary) -> Share? {
    var best: (name: String, entry: Entry)?
    for (genre, entry) in zip(present, entries) where Int(genre) < dictionary.names.count {
      let name = dictionary.names[Int(genre)]
      if let best {
        if entry.count < best.entry.count { continue }
        let isTie = entry.count == best.entry.count
        if isTie && !name.utf8.lexicographicallyPrecedes(best.name.utf8) { continue }
      }
      best = (name, entry)
    }
    guard let best else { return nil }
    let count = Int(best.entry.count)
    return Share(
      name: best.name, count: count, mean: Double(best.entry.halfStarSum) / Double(2 * count))
  }

  /// Each genre's share, by rising number.
  public func shares(in dictionary: borrowing GenreDictionary) -> [Share] {
    var shares: [Share] = []
    for (genre, entry) in zip(present, entries) where Int(genre) < dictionary.names.count {
      let count = Int(entry.count)
      shares.append(
        Share(
          name: dictionary.names[Int(genre)], count: count,
          mean: Double(entry.halfStarSum) / Double(2 * count)))
    }
    return shares
  }

  mutating func add(_ rating: HalfStars, genres: GenreSet) {
    for genre in genres {
      let place = place(of: genre)
      if !present.contains(genre) {
        present.insert(genre)
        entries.insert(Entry(count: 0, halfStarSum: 0), at: place)
      }
      entries[place].count += 1
      entries[place].halfStarSum += UInt32(rating.rawValue)
    }
  }

  mutating func retract(_ rating: HalfStars, genres: GenreSet) {
    for genre in genres where present.contains(genre) {
      let place = place(of: genre)
      let sum = UInt32(rating.rawValue)
      guard entries[place].halfStarSum >= sum else { continue }
      entries[place].count -= 1
      entries[place].halfStarSum -= sum
      if entries[place].count == 0 {
        entries.remove(at: place)
        present.remove(genre)
      }
    }
  }

  /// The index of the genre's entry, or where it would be inserted.
  private func place(of genre: UInt8) -> Int {
    (present.rawValue & ((1 << UInt64(genre)) - 1)).nonzeroBitCount
  }

  // Layout: the mask of the genres with ratings, then count and sum of each, as LEB128.
  static let maximumEncodedBytes = 10 + 64 * 10

  func encode(into bytes: inout ByteWriter) {
    bytes.varint(present.rawValue)
    for entry in entries {
      bytes.varint(UInt64(entry.count))
      bytes.varint(UInt64(entry.halfStarSum))
    }
  }

  init(from reader: inout ByteReader) throws(CodecError) {
    present = GenreSet(rawValue: try reader.varint())
    entries.reserveCapacity(present.rawValue.nonzeroBitCount)
    for _ in present {
      let entry = Entry(
        count: try reader.varint(as: UInt32.self), halfStarSum: try reader.varint(as: UInt32.self))
      guard entry.count > 0 else { throw CodecError("a genre is listed without ratings") }
      entries.append(entry)
    }
  }
}

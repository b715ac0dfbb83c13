public import Ratings

/// Numbers the genres of a catalog, so that movies can be filtered by bit masks. Names are compared
/// without regard to case.
///
/// It is not part of the state: numbers follow the order in which names are first seen.
public struct GenreIndex: Sendable {
  private var numbers: [String: Int] = [:]
  /// As the catalog spells them first, in the order of their numbers.
  public private(set) var names: [String] = []

  public init() {}

  /// The genres of a movie; new ones are numbered. Genres that a `GenreSet` has no room for are
  /// left out, and can't be asked for.
  ///
  /// - Parameter genres: names separated by bars.
  public mutating func number(_ genres: String) -> GenreSet {
    var set = GenreSet()
    for spelled in genres.split(separator: "|") {
      let name = spelled.lowercased()
      if let number = numbers[name] {
        set.insert(UInt8(number))
      } else if numbers.count < GenreDictionary.capacity {
        set.insert(UInt8(numbers.count))
        numbers[name] = numbers.count
        names.append(String(spelled))
      }
    }
    return set
  }

  /// The genres with these names, as far as any movie has them.
  public func find(_ names: [String]) -> GenreSet {
    var set = GenreSet()
    for name in names {
      if let number = numbers[name.lowercased()] { set.insert(UInt8(number)) }
    }
    return set
  }
}

extension GenreSet {
  /// Whether any genre is in both.
  public func intersects(_ other: GenreSet) -> Bool { rawValue & other.rawValue != 0 }

  /// The genres that are not in the other.
  public func subtracting(_ other: GenreSet) -> GenreSet {
    GenreSet(rawValue: rawValue & ~other.rawValue)
  }

  /// The genres in both, relative to those in either; 0 for movies without genres.
  func likeness(to other: GenreSet) -> Double {
    let all = (rawValue | other.rawValue).nonzeroBitCount
    return all == 0 ? 0 : Double((rawValue & other.rawValue).nonzeroBitCount) / Double(all)
  }
}

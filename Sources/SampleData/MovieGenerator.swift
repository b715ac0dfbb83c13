import Recommender

/// Makes up the movies that `RatingGenerator` rates: a title and one to three genres of an id, the
/// same for the same seed.
public struct MovieGenerator: Sendable {
  /// The genres of MovieLens, with how many of its movies have them, in hundreds.
  static let genres: [(name: StaticString, weight: Double)] = [
    ("Action", 35), ("Adventure", 23), ("Animation", 10), ("Children", 11), ("Comedy", 84),
    ("Crime", 29), ("Documentary", 25), ("Drama", 133), ("Fantasy", 14), ("Film-Noir", 3),
    ("Horror", 26), ("IMAX", 2), ("Musical", 10), ("Mystery", 15), ("Romance", 41),
    ("Sci-Fi", 17), ("Thriller", 42), ("War", 12), ("Western", 7),
  ]

  private static let adjectives: [StaticString] = [
    "Silent", "Crimson", "Last", "Hidden", "Burning", "Golden", "Broken", "Distant", "Secret",
    "Frozen", "Midnight", "Wild", "Lonely", "Electric", "Invisible", "Restless", "Paper", "Velvet",
    "Savage", "Gentle", "Northern", "Forgotten", "Hollow", "Second",
  ]

  private static let nouns: [StaticString] = [
    "River", "City", "Witness", "Garden", "Empire", "Letter", "Summer", "Stranger", "Harbor",
    "Mountain", "Promise", "Shadow", "Train", "Circus", "Daughter", "Detective", "Orchard",
    "Island", "Mirror", "Winter", "Highway", "Machine", "Kingdom", "Song", "Thief", "Lighthouse",
    "Voyage",
    "Carnival", "Desert", "Heist", "Waltz", "Frontier",
  ]

  public let count: Int
  private let seed: UInt64
  private let genreTable = AliasTable(weights: Self.genres.map(\.weight))

  /// - Parameter count: the movies are 1...count.
  public init(count: Int, seed: UInt64) {
    self.count = count
    self.seed = seed
  }

  /// Appends `{"movie_id":1,"title":"…","genres":"A|B"}`.
  public func append(_ movie: Int64, to bytes: inout [UInt8]) {
    var random = SeededRandom(seed: seed ^ UInt64(bitPattern: movie) &* 0xD6E8_FEB8_6659_FD93)
    bytes.append(#"{"movie_id":"#)
    bytes.append(decimal: movie)
    bytes.append(#","title":""#)
    appendTitle(&random, to: &bytes)
    bytes.append(#"","genres":""#)
    appendGenres(&random, to: &bytes)
    bytes.append(#""}"#)
  }

  private func appendTitle(_ random: inout SeededRandom, to bytes: inout [UInt8]) {
    let adjective = Self.adjectives[random.below(Self.adjectives.count)]
    let noun = Self.nouns[random.below(Self.nouns.count)]
    let other = Self.nouns[random.below(Self.nouns.count)]
    switch random.below(4) {
    case 0:
      bytes.append(adjective)
      bytes.append(" ")
      bytes.append(noun)
    case 1:
      bytes.append(noun)
      bytes.append(" of the ")
      bytes.append(other)
    case 2:
      bytes.append("The ")
      bytes.append(noun)
      bytes.append(" and the ")
      bytes.append(other)
    default:
      bytes.append("The ")
      bytes.append(adjective)
      bytes.append(" ")
      bytes.append(noun)
    }
    bytes.append(" (")
    bytes.append(decimal: 1930 + Int64(random.below(85)))
    bytes.append(")")
  }

  /// Appends genres in the order of the alphabet, as MovieLens does.
  private func appendGenres(_ random: inout SeededRandom, to bytes: inout [UInt8]) {
    var chosen: UInt32 = 0
    for _ in 0...random.below(3) { chosen |= 1 << UInt32(genreTable.index(of: random.next())) }
    var isFirst = true
    for (index, genre) in Self.genres.enumerated() where chosen & (1 << UInt32(index)) != 0 {
      if !isFirst { bytes.append("|") }
      bytes.append(genre.name)
      isFirst = false
    }
  }
}

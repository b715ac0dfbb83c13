public import StateStore

/// What a stage's stores hold, by names a person can use.
public struct StoreSchema: Hashable, Sendable {
  /// How a table's keys are written.
  public enum KeyKind: Hashable, Sendable {
    /// `42`
    case identifier
    /// `42/1196`
    case pair
    /// `genres`
    case text
  }

  public struct TableSchema: Hashable, Sendable {
    public let table: Table
    public let name: String
    public let keys: KeyKind
    /// What a key and a value are, in a few words.
    public let summary: String
    let content: Content
  }

  enum Content: Hashable, Sendable {
    case position
    case userAggregate
    case userRating
    case genres
    case movieAggregate
    case times
    case source
  }

  public let stage: StageName
  public let tables: [TableSchema]

  /// - Returns: `nil` for a stage without state.
  public init?(_ stage: StageName) {
    self.stage = stage
    func table(_ table: Table, _ name: String, _ keys: KeyKind, _ content: Content, _ is: String)
      -> TableSchema
    {
      TableSchema(table: table, name: name, keys: keys, summary: `is`, content: content)
    }
    let meta = table(.meta, "meta", .text, .position, "what the state stands for")
    switch stage {
    case .user:
      tables = [
        meta,
        table(
          UserTables.aggregates, "aggregates", .identifier, .userAggregate,
          "user: statistics of all ratings"),
        table(UserTables.ratings, "ratings", .pair, .userRating, "user/movie: the rating"),
        table(UserTables.genres, "genres", .text, .genres, "genres: their names by number"),
        table(
          UserTables.sources, "sources", .identifier, .source,
          "partition of user-ratings: its newest event"),
      ]
    case .movie:
      tables = [
        meta,
        table(
          MovieTables.aggregates, "aggregates", .identifier, .movieAggregate,
          "movie: statistics of all ratings"),
        table(MovieTables.times, "times", .pair, .times, "movie/block: times of ratings"),
        table(
          MovieTables.sources, "sources", .identifier, .source,
          "partition of validated-ratings: its newest event"),
      ]
    case .intake, .redis, .predict: return nil
    }
  }

  public func table(named name: String) -> TableSchema? { tables.first { $0.name == name } }
}

extension StoreSchema.TableSchema {
  /// The bytes of a key, or of the beginning of one: `42` begins all keys `42/…`.
  ///
  /// - Returns: `nil` for a text that is neither.
  public func key(_ text: String) -> [UInt8]? {
    if keys == .text { return Array(text.utf8) }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int64($0) }
    switch (parts.first ?? nil, parts.count) {
    case (let first?, 1): return Self.bytes(StoreKey(first))
    case (let first?, 2):
      guard keys == .pair, let second = parts[1] else { return nil }
      return Self.bytes(StoreKey(first, second))
    default: return nil
    }
  }

  /// A key as text; its bytes in hexadecimal when they are none of this table's.
  public func text(ofKey key: RawSpan) -> String {
    switch keys {
    case .identifier: if let number = StoreKey.decode(key) { return "\(number)" }
    case .pair:
      if let (first, second) = StoreKey.decodePair(key) { return "\(first)/\(second)" }
    case .text:
      let text = key.withUnsafeBytes { String(validating: $0, as: UTF8.self) }
      if let text { return text }
    }
    return Hexadecimal.text(key)
  }

  /// An example of a key.
  public var example: String {
    switch keys {
    case .identifier: "42"
    case .pair: "42/1196"
    case .text: table == .meta ? "position" : "genres"
    }
  }

  private static func bytes(_ key: borrowing StoreKey) -> [UInt8] { [UInt8](copying: key.span) }
}

/// Bytes that mean nothing to us.
enum Hexadecimal {
  /// `0x` and two digits a byte.
  static func text(_ bytes: RawSpan) -> String {
    "0x"
      + bytes.withUnsafeBytes { bytes in
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      }
  }
}

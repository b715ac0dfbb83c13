import StateStore

// Keys of one number hash as that number does, which is faster than by way of a `Hasher`.

/// A user. The user's ratings are neighbours in their table.
struct UserKey: StateKey {
  let user: Int64

  func _rawHashValue(seed: Int) -> Int { user._rawHashValue(seed: seed) }

  func encode(into bytes: inout [UInt8]) { bytes.append(StoreKey(user)) }
}

/// A user's rating of a movie.
struct RatingKey: StateKey {
  let user: Int64
  let movie: Int64

  var prefix: UserKey { UserKey(user: user) }

  /// Hashes one number instead of two, which is half the work. The factor is secret, so nobody can
  /// choose ids that collide.
  func hash(into hasher: inout Hasher) { hasher.combine(mixed) }
  func _rawHashValue(seed: Int) -> Int { mixed._rawHashValue(seed: seed) }

  private var mixed: Int64 { user &* Self.factor ^ movie }
  private static let factor = Int64.random(in: .min ... .max) | 1

  func encode(into bytes: inout [UInt8]) { bytes.append(StoreKey(user, movie)) }
}

/// A movie. The blocks of its journal are neighbours in their table.
struct MovieKey: StateKey {
  let movie: Int64

  func _rawHashValue(seed: Int) -> Int { movie._rawHashValue(seed: seed) }

  func encode(into bytes: inout [UInt8]) { bytes.append(StoreKey(movie)) }
}

/// A block of a movie's journal of times, by number from 0.
struct TimesKey: StateKey {
  let movie: Int64
  let block: Int64

  var prefix: MovieKey { MovieKey(movie: movie) }

  func encode(into bytes: inout [UInt8]) { bytes.append(StoreKey(movie, block)) }
}

/// The event time of take-backs of a movie. The newest is first in the table.
struct TakeBackKey: StateKey {
  let movie: Int64
  let milliseconds: Int64

  var prefix: MovieKey { MovieKey(movie: movie) }

  func encode(into bytes: inout [UInt8]) { bytes.append(StoreKey(movie, ~milliseconds)) }
}

/// A partition of the topic that a stage's events originate from.
struct SourceKey: StateKey {
  let partition: Int32

  func _rawHashValue(seed: Int) -> Int { partition._rawHashValue(seed: seed) }

  func encode(into bytes: inout [UInt8]) { bytes.append(StoreKey(Int64(partition))) }
}

/// The one key of the dictionary of genres.
struct GenresKey: StateKey {
  func encode(into bytes: inout [UInt8]) { bytes += UserTables.genresKey }
}

/// The one key of the progress of folding a state again.
struct RefoldKey: StateKey {
  func encode(into bytes: inout [UInt8]) { bytes += UserTables.refoldKey }
}

// In extensions, which keeps the memberwise initializers.

extension UserKey {
  init?(decoding bytes: RawSpan) {
    guard let user = StoreKey.decode(bytes) else { return nil }
    self.init(user: user)
  }
}

extension RatingKey {
  init?(decoding bytes: RawSpan) {
    guard let (user, movie) = StoreKey.decodePair(bytes) else { return nil }
    self.init(user: user, movie: movie)
  }
}

extension MovieKey {
  init?(decoding bytes: RawSpan) {
    guard let movie = StoreKey.decode(bytes) else { return nil }
    self.init(movie: movie)
  }
}

extension TimesKey {
  init?(decoding bytes: RawSpan) {
    guard let (movie, block) = StoreKey.decodePair(bytes) else { return nil }
    self.init(movie: movie, block: block)
  }
}

extension TakeBackKey {
  init?(decoding bytes: RawSpan) {
    guard let (movie, complement) = StoreKey.decodePair(bytes) else { return nil }
    self.init(movie: movie, milliseconds: ~complement)
  }
}

extension SourceKey {
  init?(decoding bytes: RawSpan) {
    guard let partition = StoreKey.decode(bytes).flatMap({ Int32(exactly: $0) }) else { return nil }
    self.init(partition: partition)
  }
}

extension GenresKey {
  init?(decoding bytes: RawSpan) {
    guard bytes.withUnsafeBytes({ $0.elementsEqual(UserTables.genresKey) }) else { return nil }
  }
}

extension RefoldKey {
  init?(decoding bytes: RawSpan) {
    guard bytes.withUnsafeBytes({ $0.elementsEqual(UserTables.refoldKey) }) else { return nil }
  }
}

extension [UInt8] {
  fileprivate mutating func append(_ key: borrowing StoreKey) {
    key.span.withUnsafeBytes { append(contentsOf: $0) }
  }
}

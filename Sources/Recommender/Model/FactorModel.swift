import LinearAlgebra

/// A trained model: a vector of factors for each movie. Users have no part in it: they
/// are folded in from their ratings as they are now (`FoldIn`).
///
/// A value whose large parts are shared between copies and threads.
public struct FactorModel: Sendable {
  public let metadata: ModelMetadata
  /// The movies' ids, rising. An index into them is a row.
  public let movies: [Int64]
  /// Row-major, `movies.count` × `metadata.parameters.factors`.
  public let factors: [Float]
  /// α₀ · VᵀV, k × k, the upper triangle: what all movies not rated weigh in a user's equations.
  let unobservedGram: [Float]
  private let index: RowIndex

  /// - Parameters:
  ///   - movies: rising ids.
  ///   - factors: row-major, a row a movie.
  public init(metadata: ModelMetadata, movies: [Int64], factors: [Float]) {
    let k = metadata.parameters.factors
    precondition(factors.count == movies.count * k)
    self.metadata = metadata
    self.movies = movies
    self.factors = factors
    var gram = [Float](repeating: 0, count: k * k)
    var span = gram.mutableSpan
    BLAS.addGram(of: factors.span, columns: k, to: &span)
    let weight = Float(metadata.unobservedWeight)
    for index in gram.indices { gram[index] *= weight }
    unobservedGram = gram
    index = RowIndex(movies)
  }

  /// The same numbers under other metadata of the same shape.
  init(_ model: FactorModel, metadata: ModelMetadata) {
    precondition(metadata.version == model.version)
    self.metadata = metadata
    movies = model.movies
    factors = model.factors
    unobservedGram = model.unobservedGram
    index = model.index
  }

  public var version: String { metadata.version }
  /// The length of every vector, k.
  public var factorCount: Int { metadata.parameters.factors }

  /// The movie's row; `nil` for one the model does not know.
  public func row(of movie: Int64) -> Int? { index.row(of: movie, in: movies) }
}

/// Finds ids in an array of them in constant time: in a table by id where the ids lie close enough
/// together, as a catalog's do, and otherwise in a hash table with linear probing, at most half
/// full.
struct RowIndex: Sendable {
  /// Up to so many times as many places as ids, a table by id is taken.
  private static let sparsest = 8
  private var slots: [Int32]
  private let shift: UInt64
  /// The id of the first place of a table by id; `nil` for a hash table.
  private let first: Int64?

  init(_ ids: [Int64]) {
    precondition(ids.count < Int(Int32.max) / 16)
    let bits = max(2, Int.bitWidth - (2 * ids.count).leadingZeroBitCount)
    shift = UInt64(64 - bits)
    if let least = ids.min(), let most = ids.max(),
      UInt64(bitPattern: most &- least) < UInt64(ids.count * Self.sparsest)
    {
      first = least
      slots = Array(repeating: -1, count: Int(most - least) + 1)
      for (row, id) in ids.enumerated() { slots[Int(id - least)] = Int32(row) }
      return
    }
    first = nil
    slots = Array(repeating: -1, count: 1 << bits)
    for (row, id) in ids.enumerated() {
      var slot = home(id)
      while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(row)
    }
  }

  func row(of id: Int64, in ids: [Int64]) -> Int? {
    if let first {
      let place = UInt64(bitPattern: id &- first)
      guard place < UInt64(slots.count) else { return nil }
      let row = slots[Int(place)]
      return row < 0 ? nil : Int(row)
    }
    var slot = home(id)
    while slots[slot] >= 0 {
      let row = Int(slots[slot])
      if ids[row] == id { return row }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// Fibonacci hashing: consecutive ids land far apart.
  private func home(_ id: Int64) -> Int {
    Int((UInt64(bitPattern: id) &* 0x9E37_79B9_7F4A_7C15) >> shift)
  }
}

/// Some rows of a model, a bit each.
public struct RowSet: Hashable, Sendable {
  private var words: [UInt64]

  /// No row of `count` rows.
  public init(rows count: Int) {
    words = Array(repeating: 0, count: (count + 63) / 64)
  }

  public mutating func insert(_ row: Int) {
    words[row >> 6] |= 1 << UInt64(row & 63)
  }

  public func contains(_ row: Int) -> Bool {
    words[row >> 6] & 1 << UInt64(row & 63) != 0
  }

  /// How many rows are in it.
  public var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }
}

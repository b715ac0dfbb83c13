import LinearAlgebra

/// A trained model: a vector of factors for each movie. Users are not part of it: they are folded
/// in from their current ratings (`FoldIn`).
///
/// A value whose large parts are shared between copies and threads.
public struct FactorModel: Sendable {
  public let metadata: ModelMetadata
  /// The movies' ids, rising. An index into them is a row.
  public let movies: [Int64]
  /// Row-major, `movies.count` × `metadata.parameters.factors`.
  public let factors: [Float]
  /// α₀ · VᵀV, k × k, the upper triangle: the weight of all unrated movies in a user's equations.
  let unobservedGram: [Float]
  private let index: RowIndex

  /// - Parameters:
  ///   - movies: rising ids.
  ///   - factors: row-major, one row per movie.
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

  /// The same model with other metadata, such as new metrics.
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

  /// The movie's row; `nil` if the model does not know it.
  public func row(of movie: Int64) -> Int? { index.row(of: movie, in: movies) }
}

/// Finds ids in an array in constant time: in a table indexed by id if the ids are dense enough, as
/// a catalog's are, and otherwise in a hash table with linear probing, at most half full.
struct RowIndex: Sendable {
  /// A table by id may have this many times as many places as ids.
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

/// A set of a model's rows, one bit each.
public struct RowSet: Hashable, Sendable {
  private var words: [UInt64]

  /// An empty set of `count` rows.
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

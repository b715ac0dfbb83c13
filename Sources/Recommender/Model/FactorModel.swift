/// A trained model: for each movie a vector of factors and its neighbours. Users are not part of
/// it: they are folded in from their current ratings (`FoldIn`).
///
/// A value whose large parts are shared between copies and threads.
public struct FactorModel: Sendable {
  /// What a model consists of, without its metadata.
  public struct Contents: Sendable {
    /// The movies' ids, rising. An index into them is a row.
    public var movies: [Int64]
    /// Row-major, one row of k per movie: what a score multiplies the user's vector with.
    public var factors: [Float]
    /// For each movie, what its factors are multiplied with when a rating of it is added to a user.
    public var scales: [Float]
    /// The vector of everyone's taste, of k numbers.
    public var prior: [Float]
    public var neighbours: Neighbours

    /// Without movies; invalid until there is a prior.
    init() {
      self.init(movies: [], factors: [], scales: [], prior: [], neighbours: Neighbours())
    }

    public init(
      movies: [Int64], factors: [Float], scales: [Float], prior: [Float], neighbours: Neighbours
    ) {
      self.movies = movies
      self.factors = factors
      self.scales = scales
      self.prior = prior
      self.neighbours = neighbours
    }
  }

  public let metadata: ModelMetadata
  public let contents: Contents
  private let index: RowIndex

  public init(metadata: ModelMetadata, contents: Contents) {
    let k = metadata.parameters.factors
    let count = contents.movies.count
    precondition(contents.factors.count == count * k && contents.scales.count == count)
    precondition(contents.prior.count == k && contents.neighbours.rows == count)
    self.metadata = metadata
    self.contents = contents
    index = RowIndex(contents.movies)
  }

  /// The same model with other metadata, such as new metrics.
  init(_ model: FactorModel, metadata: ModelMetadata) {
    precondition(metadata.version == model.version)
    self.metadata = metadata
    contents = model.contents
    index = model.index
  }

  public var version: String { metadata.version }
  public var movies: [Int64] { contents.movies }
  public var factors: [Float] { contents.factors }
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

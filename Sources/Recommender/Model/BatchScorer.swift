import LinearAlgebra

/// Finds the best movies for a batch of users: matrix products of their vectors with the movies'
/// give the scores, and a partial selection gives each user's highest.
///
/// Movies are scored in the order of their vectors' lengths, the longest first. No score exceeds
/// the product of the two lengths (Cauchy-Schwarz), so a user is done as soon as the next movies
/// are too short to enter the user's list: a trained model's rarely rated movies are scored for few
/// users.
///
/// A user's list does not depend on who else is in the batch: the products only preselect, with a
/// margin for their rounding, and the selected movies are scored again in a fixed order of
/// additions. Belongs to one thread at a time.
public struct BatchScorer: ~Copyable, Sendable {
  /// Movies scored at a time: few enough that their scores stay in the cache until they are read.
  private static let moviesAtATime = 512
  /// Users whose vectors are multiplied at a time.
  private static let usersAtATime = 128

  private struct User {
    var count: Int
    var norm: Float
    var allowed: RowSet?
    /// Into `best`.
    var best = 0..<0
  }

  /// A movie to leave out of a user's list.
  private struct Exclusion {
    var user: Int32
    var place: Int32
  }

  public let model: FactorModel
  /// The model's rows by falling length of their vectors. An index into it is a place.
  private let rows: [Int32]
  /// The place of each row.
  private let places: [Int32]
  /// The length of each row's vector.
  let norms: [Float]
  /// The length of the longest vector of each tile, falling.
  private let tileNorms: [Float]
  /// The movies' factors by place, one tile after another, each of k × movies: OpenBLAS multiplies
  /// by columns a tenth faster than by rows.
  private let tiles: [Float]
  private var vectors: [Float] = []
  private var users: [User] = []
  /// For each tile, what is left out, by rising user.
  private var excluded: [[Exclusion]]
  private var open: OpenUsers
  private var scores: [Float] = []
  private var selections: [Selection] = []
  private var best: [ScoredRow] = []
  /// How many scores the last batch's products computed.
  private(set) var scoreCount = 0

  public init(_ model: FactorModel) {
    self.model = model
    let k = model.factorCount
    let norms = model.movies.indices.map { row in
      Self.norm(model.factors.span.extracting(row * k..<(row + 1) * k))
    }
    let order = norms.indices.sorted { a, b in
      norms[a] != norms[b] ? norms[a] > norms[b] : a < b
    }
    rows = order.map { Int32($0) }
    var places = [Int32](repeating: 0, count: order.count)
    for (place, row) in order.enumerated() { places[row] = Int32(place) }
    self.places = places
    tileNorms = stride(from: 0, to: order.count, by: Self.moviesAtATime).map { norms[order[$0]] }
    tiles = Self.transposed(model, order)
    self.norms = norms
    excluded = Array(repeating: [], count: tileNorms.count)
    open = OpenUsers(factorCount: k)
  }

  private static func transposed(_ model: FactorModel, _ order: [Int]) -> [Float] {
    let k = model.factorCount
    let factors = model.factors
    return Array(unsafeUninitializedCapacity: factors.count) { tiles, count in
      for first in stride(from: 0, to: order.count, by: moviesAtATime) {
        let movies = min(moviesAtATime, order.count - first)
        for factor in 0..<k {
          for movie in 0..<movies {
            tiles.initializeElement(
              at: first * k + factor * movies + movie,
              to: factors[order[first + movie] * k + factor])
          }
        }
      }
      count = factors.count
    }
  }

  /// How many users the batch has.
  public var count: Int { users.count }

  /// Whether no score of this vector can overflow single precision.
  func canScore(_ vector: Span<Float>) -> Bool {
    (Self.norm(vector) * (tileNorms.first ?? 0)).isFinite
  }

  /// A length whose product with a row's is not below that of the vectors (Cauchy-Schwarz), with
  /// room for the rounding of both lengths.
  static func roundedUp(_ norm: Float) -> Double { Double(norm) * (1 + 0x1p-20) }

  /// Begins another batch.
  public mutating func removeAll() {
    vectors.removeAll(keepingCapacity: true)
    users.removeAll(keepingCapacity: true)
    for tile in excluded.indices { excluded[tile].removeAll(keepingCapacity: true) }
    best.removeAll(keepingCapacity: true)
  }

  /// Adds a user to the batch; the first has index 0.
  ///
  /// - Parameters:
  ///   - vector: k numbers, from `FoldIn`.
  ///   - count: how many movies are wanted, at least 1.
  ///   - excluded: rows to leave out, in any order.
  ///   - allowed: leaves out every other row; `nil` allows all.
  public mutating func add(
    vector: Span<Float>, count: Int, excluding excluded: Span<Int32>,
    allowing allowed: RowSet? = nil
  ) {
    precondition(vector.count == model.factorCount && count > 0)
    for index in vector.indices { vectors.append(vector[index]) }
    for index in excluded.indices {
      let place = places[Int(excluded[index])]
      self.excluded[Int(place) / Self.moviesAtATime].append(
        Exclusion(user: Int32(users.count), place: place))
    }
    users.append(User(count: count, norm: Self.norm(vector), allowed: allowed))
  }

  /// Scores the batch.
  public mutating func score() {
    scoreCount = 0
    while selections.count < users.count { selections.append(Selection()) }
    for user in users.indices {
      selections[user].begin(count: users[user].count, error: roundingBound(of: user))
    }
    /// How far each tile's exclusions have been passed.
    var passed = Array(repeating: 0, count: tileNorms.count)
    var first = 0
    while first < users.count {
      let group = first..<min(first + Self.usersAtATime, users.count)
      score(group, &passed)
      first = group.upperBound
    }
    for user in users.indices { rank(user) }
  }

  /// The vector of a user of the batch.
  @_lifetime(borrow self)
  func vector(of user: Int) -> Span<Float> {
    let k = model.factorCount
    return vectors.span.extracting(user * k..<(user + 1) * k)
  }

  /// The best movies of a user after `score`, best first, equal scores by rising movie id; fewer
  /// than asked for if there are no more.
  @_lifetime(borrow self)
  public func best(of user: Int) -> Span<ScoredRow> {
    best.span.extracting(users[user].best)
  }

  private mutating func score(_ group: Range<Int>, _ passed: inout [Int]) {
    let size = min(Self.moviesAtATime, rows.count) * group.count
    if scores.count < size { scores = Array(repeating: 0, count: size) }
    open.begin(group, vectors)
    // Taken out while its parts are borrowed.
    var target: [Float] = []
    swap(&target, &scores)
    var scores = target.mutableSpan
    for tile in tileNorms.indices {
      closeUsers(before: tile)
      guard open.count > 0 else { break }
      let first = tile * Self.moviesAtATime
      let places = first..<min(first + Self.moviesAtATime, rows.count)
      multiply(places, into: &scores)
      scoreCount += open.count * places.count
      exclude(group, tile, places, &passed[tile], from: &scores)
      for line in 0..<open.count {
        let user = open.users[line]
        let start = line * places.count
        selections[user].take(
          scores.span.extracting(start..<start + places.count), first: first, rows: rows,
          allowed: users[user].allowed)
      }
    }
    swap(&target, &self.scores)
  }

  /// Drops users whose list no movie of this tile or a later one can enter.
  private mutating func closeUsers(before tile: Int) {
    // Norms and their product are rounded.
    let norm = Self.roundedUp(tileNorms[tile])
    for line in (0..<open.count).reversed() {
      let user = open.users[line]
      if selections[user].isFinal(forScoresUpTo: norm * Double(users[user].norm)) {
        open.close(line)
      }
    }
  }

  /// The scores of the open users for some places: one line per user.
  private func multiply(_ places: Range<Int>, into scores: inout MutableSpan<Float>) {
    let k = model.factorCount
    var tile = scores._mutatingExtracting(first: open.count * places.count)
    BLAS.product(
      of: open.vectors.span.extracting(first: open.count * k),
      and: tiles.span.extracting(places.lowerBound * k..<places.upperBound * k), inner: k,
      into: &tile)
  }

  private func exclude(
    _ group: Range<Int>, _ tile: Int, _ places: Range<Int>, _ passed: inout Int,
    from scores: inout MutableSpan<Float>
  ) {
    let exclusions = excluded[tile]
    while passed < exclusions.count, exclusions[passed].user < group.upperBound {
      let exclusion = exclusions[passed]
      passed += 1
      // An earlier group may have skipped the tile.
      guard exclusion.user >= group.lowerBound,
        let line = open.line(of: Int(exclusion.user) - group.lowerBound)
      else { continue }
      scores[line * places.count + Int(exclusion.place) - places.lowerBound] = -.infinity
    }
  }

  private mutating func rank(_ user: Int) {
    let k = model.factorCount
    let start = best.count
    let vectors = self.vectors
    let factors = model.factors
    for place in selections[user].places {
      let row = Int(rows[place])
      let score = Self.product(
        vectors.span.extracting(user * k..<(user + 1) * k),
        factors.span.extracting(row * k..<(row + 1) * k))
      best.append(ScoredRow(row: row, score: score))
    }
    best[start...].sort { a, b in a.score != b.score ? a.score > b.score : a.row < b.row }
    best.removeLast(max(0, best.count - start - users[user].count))
    users[user].best = start..<best.count
  }

  // MARK: Numbers

  /// How far a score of the matrix product may be from the exact one: the bound of a sum of k
  /// products in single precision, added in any order (Higham 2002, section 3.1), with room for the
  /// rounding of the norms.
  private func roundingBound(of user: Int) -> Float {
    Float(model.factorCount + 4) * 0x1p-24 * users[user].norm * (tileNorms.first ?? 0)
  }

  static func norm(_ vector: Span<Float>) -> Float {
    Float(product(vector, vector).squareRoot())
  }

  /// A dot product in double precision, summed in the same order on every machine.
  @inline(__always)
  static func product(_ a: Span<Float>, _ b: Span<Float>) -> Double {
    let whole = a.count & ~7
    let x = a.bytes
    let y = b.bytes
    precondition(a.count == b.count)
    var sums = SIMD8<Double>.zero
    var index = 0
    while index < whole {
      let left = x.unsafeLoadUnaligned(fromByteOffset: index * 4, as: SIMD8<Float>.self)
      let right = y.unsafeLoadUnaligned(fromByteOffset: index * 4, as: SIMD8<Float>.self)
      sums += SIMD8<Double>(left) * SIMD8<Double>(right)
      index += 8
    }
    var sum = 0.0
    for lane in 0..<8 { sum += sums[lane] }
    while index < a.count {
      sum += Double(a[index]) * Double(b[index])
      index += 1
    }
    return sum
  }
}

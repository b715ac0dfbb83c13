import LinearAlgebra

/// A movie's row in a model, and its score for one user.
public struct ScoredRow: Hashable, Sendable {
  public var row: Int
  public var score: Double

  public init(row: Int, score: Double) {
    self.row = row
    self.score = score
  }
}

/// Finds the best movies for a batch of users: their vectors with all movies' in matrix products,
/// and of each user's scores the highest by partial selection.
///
/// What it returns does not depend on who else is in the batch: the products only preselect, with a
/// margin for their rounding, and what they select is scored again in a fixed order of additions.
/// Belongs to one thread at a time.
public struct BatchScorer: ~Copyable, Sendable {
  /// Movies scored at a time: their scores stay in the cache until they are looked at.
  private static let moviesAtATime = 512
  /// Users whose vectors are multiplied at a time.
  private static let usersAtATime = 128

  private struct User {
    var count: Int
    /// Into `excluded`.
    var excluded: Range<Int>
    var allowed: RowSet?
    /// Into `best`.
    var best = 0..<0
  }

  public let model: FactorModel
  private let largestNorm: Float
  /// The movies' factors again, so many movies after the other, each time k × movies: OpenBLAS
  /// multiplies by columns a tenth faster than by rows.
  private let tiles: [Float]
  private var vectors: [Float] = []
  private var users: [User] = []
  /// Rows left out, of all users, rising for each.
  private var excluded: [Int32] = []
  private var scores: [Float] = []
  private var selections: [Selection] = []
  private var best: [ScoredRow] = []

  public init(_ model: FactorModel) {
    self.model = model
    let k = model.factorCount
    largestNorm = model.movies.indices.reduce(0) { largest, row in
      max(largest, Self.norm(model.factors.span.extracting(row * k..<(row + 1) * k)))
    }
    tiles = Self.transposed(model)
  }

  private static func transposed(_ model: FactorModel) -> [Float] {
    let k = model.factorCount
    let factors = model.factors
    return Array(unsafeUninitializedCapacity: factors.count) { tiles, count in
      for first in stride(from: 0, to: model.movies.count, by: moviesAtATime) {
        let rows = min(moviesAtATime, model.movies.count - first)
        for factor in 0..<k {
          for row in 0..<rows {
            tiles.initializeElement(
              at: first * k + factor * rows + row, to: factors[(first + row) * k + factor])
          }
        }
      }
      count = factors.count
    }
  }

  /// How many users the batch has.
  public var count: Int { users.count }

  /// Begins another batch.
  public mutating func removeAll() {
    vectors.removeAll(keepingCapacity: true)
    users.removeAll(keepingCapacity: true)
    excluded.removeAll(keepingCapacity: true)
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
    let start = self.excluded.count
    for index in vector.indices { vectors.append(vector[index]) }
    var isRising = true
    for index in excluded.indices {
      isRising = isRising && (index == 0 || excluded[index - 1] < excluded[index])
      self.excluded.append(excluded[index])
    }
    if !isRising { self.excluded[start...].sort() }
    users.append(User(count: count, excluded: start..<self.excluded.count, allowed: allowed))
  }

  /// Scores the batch.
  public mutating func score() {
    while selections.count < users.count { selections.append(Selection()) }
    for user in users.indices {
      selections[user].begin(count: users[user].count, error: roundingBound(of: user))
    }
    var first = 0
    while first < users.count {
      let group = first..<min(first + Self.usersAtATime, users.count)
      score(group)
      first = group.upperBound
    }
    for user in users.indices { rank(user) }
  }

  /// The best movies of a user, best first, equal scores by rising movie id; fewer than asked for if
  /// there are no more. To be called after `score`.
  @_lifetime(borrow self)
  public func best(of user: Int) -> Span<ScoredRow> {
    best.span.extracting(users[user].best)
  }

  private mutating func score(_ group: Range<Int>) {
    let tile = Self.moviesAtATime
    let size = min(tile, model.movies.count) * group.count
    if scores.count < size { scores = Array(repeating: 0, count: size) }
    /// How far each user's excluded rows have been passed.
    var passed = group.map { users[$0].excluded.lowerBound }
    // Taken out while its parts are borrowed.
    var target: [Float] = []
    swap(&target, &scores)
    var scores = target.mutableSpan
    var first = 0
    while first < model.movies.count {
      let rows = first..<min(first + tile, model.movies.count)
      multiply(group, rows, into: &scores)
      for (line, user) in group.enumerated() {
        let start = line * rows.count
        let end = users[user].excluded.upperBound
        var place = passed[line]
        while place < end, Int(excluded[place]) < rows.upperBound {
          scores[start + Int(excluded[place]) - rows.lowerBound] = -.infinity
          place += 1
        }
        passed[line] = place
        selections[user].take(
          scores.span.extracting(start..<start + rows.count), firstRow: rows.lowerBound,
          allowed: users[user].allowed)
      }
      first = rows.upperBound
    }
    swap(&target, &self.scores)
  }

  /// The scores of some users for some rows: a line a user.
  private func multiply(
    _ group: Range<Int>, _ rows: Range<Int>, into scores: inout MutableSpan<Float>
  ) {
    let k = model.factorCount
    var tile = scores._mutatingExtracting(first: group.count * rows.count)
    BLAS.product(
      of: vectors.span.extracting(group.lowerBound * k..<group.upperBound * k),
      and: tiles.span.extracting(rows.lowerBound * k..<rows.upperBound * k), inner: k, into: &tile)
  }

  private mutating func rank(_ user: Int) {
    let k = model.factorCount
    let start = best.count
    let vectors = self.vectors
    let factors = model.factors
    for row in selections[user].rows {
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
    let k = model.factorCount
    let norm = Self.norm(vectors.span.extracting(user * k..<(user + 1) * k))
    return Float(k + 4) * 0x1p-24 * norm * largestNorm
  }

  private static func norm(_ vector: Span<Float>) -> Float {
    Float(product(vector, vector).squareRoot())
  }

  /// A dot product in double precision, added up in the same order on every machine.
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

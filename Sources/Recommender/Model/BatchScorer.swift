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

/// Finds the best movies for a batch of users: their vectors with all movies' in one matrix product,
/// and of each user's scores the highest by partial selection.
///
/// What it returns does not depend on who else is in the batch: the product only selects, with some
/// to spare, and the selected are scored again in a fixed order of additions. Belongs to one thread
/// at a time.
public struct BatchScorer: ~Copyable, Sendable {
  /// Movies scored at a time: their scores for a batch stay in the cache until they are selected.
  private static let tile = 1024

  public let model: FactorModel
  private var vectors: [Float] = []
  private var users: [User] = []
  /// Rows left out, of all users.
  private var excluded: [Int32] = []
  private var scores: [Float] = []
  private var selections: [Selection] = []
  private var best: [ScoredRow] = []

  private struct User {
    var count: Int
    /// Into `excluded`; what is left of it while tiles pass by.
    var excluded: Range<Int>
    var allowed: RowSet?
    /// Into `best`.
    var best = 0..<0
  }

  public init(_ model: FactorModel) {
    self.model = model
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
    for (index, user) in users.enumerated() {
      if index == selections.count { selections.append(Selection()) }
      selections[index].begin(count: min(user.count, model.movies.count))
    }
    if scores.count < users.count * Self.tile {
      scores = Array(repeating: 0, count: users.count * Self.tile)
    }
    var first = 0
    while first < model.movies.count {
      let rows = first..<min(first + Self.tile, model.movies.count)
      multiply(rows)
      for user in users.indices { select(rows, user) }
      first = rows.upperBound
    }
    for user in users.indices { rank(user) }
  }

  /// The best movies of a user, best first, equal scores by rising movie id; fewer than asked for if
  /// there are no more. To be called after `score`.
  @_lifetime(borrow self)
  public func best(of user: Int) -> Span<ScoredRow> {
    best.span.extracting(users[user].best)
  }

  /// The scores of all users for some rows: a line a user.
  private mutating func multiply(_ rows: Range<Int>) {
    let k = model.factorCount
    var tile = scores.mutableSpan
    BLAS.products(
      of: vectors.span,
      and: model.factors.span.extracting(rows.lowerBound * k..<rows.upperBound * k), columns: k,
      into: &tile)
  }

  private mutating func select(_ rows: Range<Int>, _ user: Int) {
    let start = user * rows.count
    var masked = users[user].excluded
    while let next = masked.first, Int(excluded[next]) < rows.upperBound {
      scores[start + Int(excluded[next]) - rows.lowerBound] = -.infinity
      masked.removeFirst()
    }
    users[user].excluded = masked
    let line = scores.span.extracting(start..<start + rows.count)
    selections[user].take(line, firstRow: rows.lowerBound, allowed: users[user].allowed)
  }

  private mutating func rank(_ user: Int) {
    let k = model.factorCount
    let start = best.count
    let vector = vectors.span.extracting(user * k..<(user + 1) * k)
    for row in selections[user].rows {
      let factors = model.factors.span.extracting(row * k..<(row + 1) * k)
      best.append(ScoredRow(row: row, score: Self.product(vector, factors)))
    }
    best[start...].sort { a, b in a.score != b.score ? a.score > b.score : a.row < b.row }
    best.removeLast(max(0, best.count - start - users[user].count))
    users[user].best = start..<best.count
  }

  /// A dot product in double precision, added up in the same order on every machine.
  static func product(_ a: Span<Float>, _ b: Span<Float>) -> Double {
    var sums = SIMD4<Double>.zero
    let whole = a.count & ~3
    for index in stride(from: 0, to: whole, by: 4) {
      let x = SIMD4(a[index], a[index + 1], a[index + 2], a[index + 3])
      let y = SIMD4(b[index], b[index + 1], b[index + 2], b[index + 3])
      sums += SIMD4<Double>(x) * SIMD4<Double>(y)
    }
    var sum = (sums[0] + sums[1]) + (sums[2] + sums[3])
    for index in whole..<a.count { sum += Double(a[index]) * Double(b[index]) }
    return sum
  }
}

/// Finds the best movies for a batch of users: the few that neighbours add to one by one, all
/// others by `BatchScorer`, and merges both.
///
/// Neighbours only ever lift a movie or push it down: one that is pushed down is left out of the
/// scorer's list, and one that is lifted is in both lists or in none that counts. The merged list
/// is therefore that of all exact scores. Belongs to one thread at a time.
struct RowRanker: ~Copyable, Sendable {
  private struct User {
    var count: Int
    /// Into `candidates`.
    var candidates: Range<Int>
  }

  private(set) var foldIn: FoldIn
  private var scorer: BatchScorer
  private var users: [User] = []
  /// Each user's best movies among those with additions, best first.
  private var candidates: [ScoredRow] = []
  private var excluded: [Int32] = []
  /// Whether a row is rated by the user at hand.
  private var isRated: [Bool]
  private var found: [ScoredRow] = []

  init(_ model: FactorModel) {
    foldIn = FoldIn(model)
    scorer = BatchScorer(model)
    isRated = Array(repeating: false, count: model.movies.count)
  }

  /// How many users the batch has.
  var count: Int { users.count }

  /// Starts another user, whose ratings `body` adds.
  mutating func fold(_ body: (inout FoldIn) -> Void) {
    foldIn.removeAll()
    body(&foldIn)
  }

  /// Solves for the user that is folded in.
  ///
  /// - Returns: whether the user can be added; not with numbers that overflow.
  @discardableResult
  mutating func solve(at time: Int64?) -> Bool {
    foldIn.solve(at: time)
    let vector = foldIn.vector
    return scorer.canScore(vector.span)
  }

  /// Begins another batch.
  mutating func removeAll() {
    scorer.removeAll()
    users.removeAll(keepingCapacity: true)
    candidates.removeAll(keepingCapacity: true)
  }

  /// Adds the user that is folded in to the batch; the first has index 0.
  ///
  /// - Parameters:
  ///   - wanted: how many movies, at least 1.
  ///   - excludesRated: whether rated movies are left out.
  ///   - allowed: leaves out every other row; `nil` allows all.
  mutating func add(wanted: Int, excludesRated: Bool, allowing allowed: RowSet?) {
    excluded.removeAll(keepingCapacity: true)
    if excludesRated {
      for row in foldIn.rows where row >= 0 {
        excluded.append(row)
        isRated[Int(row)] = true
      }
    }
    let start = candidates.count
    collect(wanted, allowed)
    for row in excluded { isRated[Int(row)] = false }
    users.append(User(count: wanted, candidates: start..<candidates.count))
    let vector = foldIn.vector
    let excluded = excluded
    scorer.add(
      vector: vector.span, count: wanted, excluding: excluded.span, allowing: allowed)
  }

  /// Appends the best movies with additions to `candidates`, and those that may not come from the
  /// scorer to `excluded`.
  private mutating func collect(_ wanted: Int, _ allowed: RowSet?) {
    found.removeAll(keepingCapacity: true)
    let (vector, additions, factors) = (foldIn.vector, foldIn.additions, foldIn.model.factors)
    let (isRated, norms) = (self.isRated, scorer.norms)
    let k = vector.count
    let norm = BatchScorer.roundedUp(BatchScorer.norm(vector.span))
    var bar = -Double.infinity
    for row in foldIn.touched.lazy.map(Int.init) where !isRated[row] {
      let addition = additions[row]
      if addition < 0 { excluded.append(Int32(row)) }
      // Most end here: what the vectors could add at most is not enough.
      if Double(norms[row]) * norm + addition < bar { continue }
      if let allowed, !allowed.contains(row) { continue }
      let product = BatchScorer.product(
        vector.span, factors.span.extracting(row * k..<(row + 1) * k))
      let scored = ScoredRow(row: row, score: product + addition)
      if found.count == wanted {
        guard let last = found.last, scored.precedes(last) else { continue }
        found.removeLast()
      }
      var place = found.count
      while place > 0, scored.precedes(found[place - 1]) { place -= 1 }
      found.insert(scored, at: place)
      if found.count == wanted { bar = found[wanted - 1].score }
    }
    candidates.append(contentsOf: found)
  }

  /// Scores the batch.
  mutating func score() { scorer.score() }

  /// After `score`, calls `body` with a user's best movies, best first; equal scores by rising row.
  func forEachBest(of user: Int, _ body: (ScoredRow) -> Void) {
    let best = scorer.best(of: user)
    let own = candidates[users[user].candidates]
    var next = own.startIndex
    var rank = 0
    var left = users[user].count
    while left > 0 {
      while rank < best.count, own.contains(where: { $0.row == best[rank].row }) { rank += 1 }
      if next < own.endIndex, rank >= best.count || own[next].precedes(best[rank]) {
        body(own[next])
        next += 1
      } else if rank < best.count {
        body(best[rank])
        rank += 1
      } else {
        return
      }
      left -= 1
    }
  }
}

extension RowRanker {
  /// The score of a movie that the model lacks, for a user of the batch.
  func score(of vector: Span<Float>, for user: Int) -> Double {
    BatchScorer.product(scorer.vector(of: user), vector)
  }
}

extension ScoredRow {
  /// Whether it comes before another in a list: by falling score, then by rising row.
  func precedes(_ other: ScoredRow) -> Bool {
    score != other.score ? score > other.score : row < other.row
  }
}

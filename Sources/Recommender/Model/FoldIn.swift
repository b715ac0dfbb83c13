import Glibc
public import Ratings

/// Finds the vector of a user from the user's ratings: the solution of k equations.
///
/// For ratings of movies i with weights wᵢ: (Σ wᵢ vᵢvᵢᵀ + α₀ VᵀV + λᵤ I) x = Σ wᵢ vᵢ, as in
/// training, except that newer and better ratings weigh more. Scratch memory is reused from user to
/// user. The same ratings added in the same order give the same bits. Belongs to one thread at a
/// time.
public struct FoldIn: ~Copyable, Sendable {
  public let model: FactorModel

  /// The rows of the rated movies, in the order they were added.
  private(set) var rows: [Int32] = []
  private var ratings: [HalfStars] = []
  private var times: [Int64] = []
  private var newest = NewestTimes()
  private var weights: [Float] = []
  private var equations: NormalEquations
  private var direction: [Float]
  /// Keeps the compiler from optimising `fetch` away.
  private var fetched: UInt32 = 0
  private let recency: RecencyWeights

  public init(_ model: FactorModel) {
    self.model = model
    equations = NormalEquations(order: model.factorCount)
    direction = Array(repeating: 0, count: model.factorCount)
    recency = RecencyWeights(model.metadata.parameters)
  }

  /// How many ratings have been added since `removeAll`.
  public var count: Int { rows.count }

  /// The user's vector of k numbers, as the last `solve` found it.
  public var vector: [Float] { equations.vector }

  /// Starts another user.
  public mutating func removeAll() {
    rows.removeAll(keepingCapacity: true)
    ratings.removeAll(keepingCapacity: true)
    times.removeAll(keepingCapacity: true)
  }

  /// Adds a rating of a movie that the model knows.
  ///
  /// - Parameters:
  ///   - row: the movie's, at most once per user.
  ///   - timeMilliseconds: event time since 1970: newer ratings weigh more.
  public mutating func add(row: Int, rating: HalfStars, timeMilliseconds: Int64) {
    precondition(model.movies.indices.contains(row))
    rows.append(Int32(row))
    ratings.append(rating)
    times.append(timeMilliseconds)
  }

  /// Finds `vector`. It is zero without ratings.
  ///
  /// - Throws: if the equations of this model and these ratings have no solution.
  public mutating func solve() throws(UnsolvableEquations) {
    weigh()
    let gram = model.unobservedGram
    equations.begin(gram: gram.span)
    model.factors.withUnsafeBufferPointer { factors in
      fetch(factors)
      for (index, weight) in weights.enumerated() where weight > 0 {
        equations.add(row: Int(rows[index]), of: factors, weight: weight)
      }
    }
    let metadata = model.metadata
    try equations.solve(
      ridge: metadata.parameters.ridge(
        weight: equations.weight, unobserved: metadata.unobservedWeight,
        columns: model.movies.count))
  }

  /// Reads one number of each cache line of the vectors. Unlike the work that follows, these reads
  /// don't wait for each other.
  private mutating func fetch(_ factors: UnsafeBufferPointer<Float>) {
    let k = model.factorCount
    var bits: UInt32 = 0
    for (index, weight) in weights.enumerated() where weight > 0 {
      let start = Int(rows[index]) * k
      for factor in stride(from: start, to: start + k, by: 16) {
        bits ^= factors[factor].bitPattern
      }
    }
    fetched = bits
  }

  private mutating func weigh() {
    let parameters = model.metadata.parameters
    let halfStars = ratings.reduce(0) { $0 + Int($1.rawValue) }
    let mean = Double(halfStars) / 2 / Double(max(ratings.count, 1))
    weights.removeAll(keepingCapacity: true)
    guard recency.count < .max else {
      for rating in ratings {
        weights.append(Float(parameters.tasteWeight(of: rating, mean: mean)))
      }
      return
    }
    for _ in ratings { weights.append(0) }
    // Most of a long history is too old to count, so it is not ranked.
    newest.select(recency.count, of: times)
    for rank in newest.ranks {
      let taste = parameters.tasteWeight(of: ratings[rank.place], mean: mean)
      weights[rank.place] = Float(taste * recency[rank.newer])
    }
  }

  /// After `solve`, what each rating contributes to a movie's score, in the order the ratings were
  /// added; the sum is the score.
  ///
  /// The vector is a sum over ratings, x = Σ A⁻¹wᵢvᵢ, and so is the score xᵀv: each contributes
  /// wᵢ vᵢᵀA⁻¹v.
  ///
  /// - Parameter row: the recommended movie's.
  public mutating func contributions(to row: Int) -> [Float] {
    let k = model.factorCount
    direction.replaceSubrange(0..<k, with: model.factors[row * k..<(row + 1) * k])
    equations.solve(&direction)
    return rows.indices.map { index in
      let start = Int(rows[index]) * k
      let factors = model.factors.span.extracting(start..<start + k)
      return weights[index] * Float(BatchScorer.product(factors, direction.span))
    }
  }
}

/// The share of its weight that a rating keeps, by the number of the user's newer ratings.
struct RecencyWeights: Sendable {
  /// Ratings with a smaller share of the newest's weight are left out.
  private static let smallest = 0x1p-16
  private let weights: [Double]

  init(_ parameters: ModelParameters) {
    let halfLife = parameters.recencyHalfLife
    guard halfLife > 0 else {
      weights = []
      return
    }
    let count = Int(-log2(Self.smallest) * halfLife) + 1
    weights = (0..<count).map { exp2(-Double($0) / halfLife) }
  }

  /// How many of the newest ratings have any weight.
  var count: Int { weights.isEmpty ? .max : weights.count }

  subscript(rank: Int) -> Double {
    weights.isEmpty ? 1 : rank < weights.count ? weights[rank] : 0
  }
}

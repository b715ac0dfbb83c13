import Glibc
import LinearAlgebra

/// Finds the vector of a user from the user's ratings: one solution of k equations.
///
/// For ratings of movies i with weights wᵢ: (Σ wᵢ vᵢvᵢᵀ + α₀ VᵀV + λᵤ I) x = Σ wᵢ vᵢ, as in training,
/// but that newer ratings weigh more. Its scratch memory is kept from user to user. The same ratings give the same bits
/// when they are added in the same order. Belongs to one thread at a time.
public struct FoldIn: ~Copyable, Sendable {
  public let model: FactorModel
  /// The user's vector, k numbers; what the last `solve` has found.
  public private(set) var vector: [Float]

  private var rows: [Int32] = []
  private var ratings: [HalfStars] = []
  private var times: [Int64] = []
  private var sortedTimes: [Int64] = []
  private var weights: [Float] = []
  private var roots: [Float] = []
  /// The rated movies' vectors, each times the root of its weight.
  private var block: [Float] = []
  /// The equations' matrix, and after `solve` its factor.
  private var matrix: [Float]
  private var direction: [Float]
  private let recency: RecencyWeights

  public init(_ model: FactorModel) {
    self.model = model
    vector = Array(repeating: 0, count: model.factorCount)
    direction = vector
    matrix = model.unobservedGram
    recency = RecencyWeights(model.metadata.parameters)
  }

  /// How many ratings have been added since `removeAll`.
  public var count: Int { rows.count }

  /// Begins with another user.
  public mutating func removeAll() {
    rows.removeAll(keepingCapacity: true)
    ratings.removeAll(keepingCapacity: true)
    times.removeAll(keepingCapacity: true)
  }

  /// Adds a rating of a movie that the model knows.
  ///
  /// - Parameters:
  ///   - row: the movie's, once a user.
  ///   - timeMilliseconds: event time since 1970: newer ratings weigh more.
  public mutating func add(row: Int, rating: HalfStars, timeMilliseconds: Int64) {
    precondition(model.movies.indices.contains(row))
    rows.append(Int32(row))
    ratings.append(rating)
    times.append(timeMilliseconds)
  }

  /// Finds `vector`. Without ratings it is zero.
  ///
  /// - Throws: when the model's numbers make no sense together.
  public mutating func solve() throws(NotPositiveDefinite) {
    let parameters = model.metadata.parameters
    let k = model.factorCount
    gather()
    matrix.replaceSubrange(0..<k * k, with: model.unobservedGram)
    let ridge = parameters.foldInRidge(ratings: rows.count, movies: model.movies.count)
    for index in 0..<k { matrix[index * (k + 1)] += ridge }
    let block = self.block
    let roots = self.roots
    var matrix: [Float] = []
    swap(&matrix, &self.matrix)
    defer { swap(&matrix, &self.matrix) }
    var matrixSpan = matrix.mutableSpan
    BLAS.addGram(of: block.span, columns: k, to: &matrixSpan)
    try Cholesky.factor(&matrixSpan, order: k)
    var vector: [Float] = []
    swap(&vector, &self.vector)
    var vectorSpan = vector.mutableSpan
    BLAS.combine(rows: block.span, columns: k, coefficients: roots.span, into: &vectorSpan)
    Cholesky.solve(factor: matrix.span, order: k, &vectorSpan)
    swap(&vector, &self.vector)
  }

  /// Computes the weights, and the rated movies' vectors times their roots.
  private mutating func gather() {
    let parameters = model.metadata.parameters
    let k = model.factorCount
    weights.removeAll(keepingCapacity: true)
    roots.removeAll(keepingCapacity: true)
    block.removeAll(keepingCapacity: true)
    sortedTimes.removeAll(keepingCapacity: true)
    sortedTimes.append(contentsOf: times)
    sortedTimes.sort()
    for (index, row) in rows.enumerated() {
      let weight =
        parameters.weight(of: ratings[index]) * recency[sortedTimes.countAbove(times[index])]
      weights.append(weight)
      guard weight > 0 else { continue }
      let root = weight.squareRoot()
      roots.append(root)
      let start = Int(row) * k
      for factor in start..<start + k { block.append(model.factors[factor] * root) }
    }
  }

  /// What each rating added contributes to a movie's score, in the order they were added; together
  /// they make the score. To be called after `solve`.
  ///
  /// The vector is a sum over ratings, x = Σ A⁻¹wᵢvᵢ, and so is the score xᵀv: each contributes
  /// wᵢ vᵢᵀA⁻¹v.
  ///
  /// - Parameter row: the recommended movie's.
  public mutating func contributions(to row: Int) -> [Float] {
    let k = model.factorCount
    direction.replaceSubrange(0..<k, with: model.factors[row * k..<(row + 1) * k])
    let matrix = self.matrix
    var direction: [Float] = []
    swap(&direction, &self.direction)
    defer { swap(&direction, &self.direction) }
    var span = direction.mutableSpan
    Cholesky.solve(factor: matrix.span, order: k, &span)
    return rows.indices.map { index in
      let start = Int(rows[index]) * k
      var sum: Float = 0
      for factor in 0..<k { sum += model.factors[start + factor] * direction[factor] }
      return weights[index] * sum
    }
  }
}

/// What a rating keeps of its weight, by the number of the user's ratings that are newer.
struct RecencyWeights: Sendable {
  /// Below this share of the newest's weight, a rating is left out.
  private static let smallest = 0x1p-24
  private let weights: [Float]

  init(_ parameters: ModelParameters) {
    let halfLife = parameters.recencyHalfLife
    guard halfLife > 0 else {
      weights = []
      return
    }
    let count = Int(-log2(Self.smallest) * halfLife) + 1
    weights = (0..<count).map { Float(exp2(-Double($0) / halfLife)) }
  }

  subscript(rank: Int) -> Float {
    weights.isEmpty ? 1 : rank < weights.count ? weights[rank] : 0
  }
}

extension [Int64] {
  /// How many elements of a rising array are above a value.
  func countAbove(_ value: Int64) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if self[middle] <= value { low = middle + 1 } else { high = middle }
    }
    return count - low
  }
}

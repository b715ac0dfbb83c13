import LinearAlgebra

/// The equations have no solution: the model's numbers are too large, or its regularization is too
/// small for them.
public struct UnsolvableEquations: Error, Hashable, Sendable, CustomStringConvertible {
  public var description: String {
    "the equations of a row have no solution in single precision: increase the regularization"
  }
}

/// The k equations whose solution is a row's vector: (Σ wⱼ vⱼvⱼᵀ + G + λI) x = Σ wⱼ vⱼ.
/// Memory is reused from row to row. Belongs to one thread at a time.
struct NormalEquations: ~Copyable, Sendable {
  /// How many vectors are gathered before they are multiplied: few enough to stay in the cache,
  /// enough to keep the product at its full rate.
  private static let blockRows = 256

  let order: Int
  /// The solution; before `solve`, the right side b.
  private(set) var vector: [Float]
  /// Σ wⱼ, in double precision.
  private(set) var weight = 0.0
  /// bᵀx, after `solve`.
  private(set) var fit = 0.0
  private let matrix: FactorMatrix
  private let block: FactorMatrix
  private let roots: FactorMatrix
  private var gathered = 0
  private var rightSide: [Float]

  /// - Parameter order: k, at least 1.
  init(order: Int) {
    self.order = order
    vector = Array(repeating: 0, count: order)
    rightSide = vector
    matrix = FactorMatrix(rows: order, columns: order)
    block = FactorMatrix(rows: Self.blockRows, columns: order)
    roots = FactorMatrix(rows: 1, columns: Self.blockRows)
  }

  /// Starts a row.
  ///
  /// - Parameter gram: G, k × k, the upper triangle.
  mutating func begin(gram: Span<Float>) {
    precondition(gram.count == order * order)
    gram.withUnsafeBufferPointer { _ = matrix.all.update(fromContentsOf: $0) }
    for index in 0..<order { vector[index] = 0 }
    weight = 0
    gathered = 0
  }

  /// Adds a term.
  ///
  /// - Parameters:
  ///   - row: the row of v in `factors`.
  ///   - factors: row-major, of k columns.
  ///   - weight: w, above 0.
  mutating func add(row: Int, of factors: UnsafeBufferPointer<Float>, weight: Float) {
    let root = weight.squareRoot()
    let start = row * order
    precondition(row >= 0 && start + order <= factors.count)
    let line = block.row(gathered)
    if root == 1 {
      _ = line.update(fromContentsOf: factors[start..<start + order])
    } else {
      for index in 0..<order { line[index] = factors[start + index] * root }
    }
    roots.all[gathered] = root
    self.weight += Double(weight)
    gathered += 1
    if gathered == Self.blockRows { multiply() }
  }

  /// Finds `vector`.
  ///
  /// - Parameter ridge: λ.
  /// - Throws: if the matrix is not positive definite or not finite.
  mutating func solve(ridge: Float) throws(UnsolvableEquations) {
    multiply()
    for index in 0..<order { matrix.all[index * (order + 1)] += ridge }
    for index in 0..<order { rightSide[index] = vector[index] }
    var matrixSpan = MutableSpan(_unsafeElements: matrix.all)
    do throws(NotPositiveDefinite) {
      try Cholesky.factor(&matrixSpan, order: order)
    } catch {
      throw UnsolvableEquations()
    }
    let factor = Span(_unsafeElements: matrix.elements)
    let k = order
    var vectorSpan = vector.mutableSpan
    Cholesky.solve(factor: factor, order: k, &vectorSpan)
    fit = 0
    for index in 0..<order { fit += Double(rightSide[index]) * Double(vector[index]) }
  }

  /// After `solve`, finds the x of another right side in place.
  func solve(_ other: inout [Float]) {
    var span = other.mutableSpan
    Cholesky.solve(factor: Span(_unsafeElements: matrix.elements), order: order, &span)
  }

  private mutating func multiply() {
    guard gathered > 0 else { return }
    let rows = Span(_unsafeElements: block.elements).extracting(first: gathered * order)
    let coefficients = Span(_unsafeElements: roots.elements).extracting(first: gathered)
    var matrixSpan = MutableSpan(_unsafeElements: matrix.all)
    let k = order
    BLAS.addGram(of: rows, columns: k, to: &matrixSpan)
    var vectorSpan = vector.mutableSpan
    BLAS.addCombination(ofRows: rows, columns: k, coefficients: coefficients, to: &vectorSpan)
    gathered = 0
  }
}

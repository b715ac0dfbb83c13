import LinearAlgebra
import Testing

/// Compares with sums in double precision, over shapes that reach every edge of the kernels.
@Suite struct BLASTests {
  static let shapes = [(1, 1, 1), (3, 2, 5), (17, 33, 64), (64, 5, 7), (130, 65, 31)]

  /// Pseudorandom numbers from -1 to 1, the same each time.
  static func numbers(_ count: Int, _ seed: Int) -> [Float] {
    (0..<count).map { Float(($0 * 7919 + seed * 104_729) % 2003) / 1001.5 - 1 }
  }

  @Test(arguments: shapes) func productsAreThoseOfRows(m: Int, n: Int, k: Int) {
    let a = Self.numbers(m * k, 1)
    let b = Self.numbers(n * k, 2)
    // Elements after the result must not change.
    var c = [Float](repeating: 7, count: m * n + 3)
    var span = c.mutableSpan
    BLAS.products(of: a.span, and: b.span, columns: k, into: &span)
    for i in 0..<m {
      for j in 0..<n {
        let expected = (0..<k).reduce(0.0) { $0 + Double(a[i * k + $1]) * Double(b[j * k + $1]) }
        #expect(abs(Double(c[i * n + j]) - expected) < 1e-4)
      }
    }
    #expect(c.suffix(3) == [7, 7, 7])
  }

  @Test(arguments: shapes) func productIsThatOfRowsAndColumns(m: Int, n: Int, k: Int) {
    let a = Self.numbers(m * k, 1)
    let b = Self.numbers(k * n, 2)
    var c = [Float](repeating: 7, count: m * n + 3)
    var span = c.mutableSpan
    BLAS.product(of: a.span, and: b.span, inner: k, into: &span)
    for i in 0..<m {
      for j in 0..<n {
        let expected = (0..<k).reduce(0.0) { $0 + Double(a[i * k + $1]) * Double(b[$1 * n + j]) }
        #expect(abs(Double(c[i * n + j]) - expected) < 1e-4)
      }
    }
    #expect(c.suffix(3) == [7, 7, 7])
  }

  @Test(arguments: shapes) func gramAddsTheUpperTriangle(n: Int, _: Int, k: Int) {
    let a = Self.numbers(n * k, 3)
    var gram = [Float](repeating: 0.5, count: k * k)
    var span = gram.mutableSpan
    BLAS.addGram(of: a.span, columns: k, to: &span)
    for i in 0..<k {
      for j in 0..<k {
        let product = (0..<n).reduce(0.0) { $0 + Double(a[$1 * k + i]) * Double(a[$1 * k + j]) }
        let expected = 0.5 + (j >= i ? product : 0)
        #expect(abs(Double(gram[i * k + j]) - expected) < 1e-4)
      }
    }
  }

  @Test(arguments: shapes) func combinationAddsRows(n: Int, _: Int, k: Int) {
    let a = Self.numbers(n * k, 4)
    let coefficients = Self.numbers(n, 5)
    var y = [Float](repeating: 2, count: k)
    var span = y.mutableSpan
    BLAS.addCombination(ofRows: a.span, columns: k, coefficients: coefficients.span, to: &span)
    for j in 0..<k {
      let sum = (0..<n).reduce(2.0) { $0 + Double(a[$1 * k + j]) * Double(coefficients[$1]) }
      #expect(abs(Double(y[j]) - sum) < 1e-4)
    }
  }

  @Test(arguments: [1, 2, 5, 32, 64, 100]) func choleskySolves(k: Int) throws {
    let a = Self.numbers(2 * k * k, 6)
    var matrix = [Float](repeating: 0, count: k * k)
    var span = matrix.mutableSpan
    BLAS.addGram(of: a.span, columns: k, to: &span)
    for index in 0..<k { matrix[index * (k + 1)] += 1 }
    let original = matrix
    let right = Self.numbers(k, 7)
    var x = right
    var factorSpan = matrix.mutableSpan
    try Cholesky.factor(&factorSpan, order: k)
    var xSpan = x.mutableSpan
    Cholesky.solve(factor: matrix.span, order: k, &xSpan)
    for i in 0..<k {
      let product = (0..<k).reduce(0.0) { sum, j in
        sum + Double(original[min(i, j) * k + max(i, j)]) * Double(x[j])
      }
      #expect(abs(product - Double(right[i])) < 1e-3)
    }
  }

  @Test(arguments: [[1, 2, 0, 1], [-1, 0, 0, 1], [1, 0, 0, .nan], [0, 0, 0, 0]] as [[Float]])
  func aMatrixWithoutFactorIsRefused(_ elements: [Float]) {
    var matrix = elements
    #expect(throws: NotPositiveDefinite.self) {
      var span = matrix.mutableSpan
      try Cholesky.factor(&span, order: 2)
    }
  }
}

import LinearAlgebra
import Testing

@Suite struct EigenTests {
  @Test(arguments: [1, 2, 7, 40]) func vectorsAreScaledByTheirValues(k: Int) throws {
    let numbers = BLASTests.numbers(k * k, 8).map(Double.init)
    var matrix = [Double](repeating: 0, count: k * k)
    for i in 0..<k {
      for j in 0..<k { matrix[i * k + j] = numbers[i * k + j] + numbers[j * k + i] }
    }
    let eigen = try #require(SymmetricEigen(matrix, order: k))
    #expect(zip(eigen.values, eigen.values.dropFirst()).allSatisfy { $0 >= $1 })
    for (number, value) in eigen.values.enumerated() {
      let vector = eigen.vectors[number * k..<(number + 1) * k].map(\.self)
      #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-12)
      for i in 0..<k {
        let product = (0..<k).reduce(0.0) { $0 + matrix[i * k + $1] * vector[$1] }
        #expect(abs(product - value * vector[i]) < 1e-9)
      }
    }
  }

  @Test func whatIsNotFiniteHasNone() {
    #expect(SymmetricEigen([1, .nan, 0, 1], order: 2) == nil)
    #expect(SymmetricEigen([.infinity], order: 1) == nil)
  }

  @Test(arguments: [16, 48, 208]) func anInverseSolvesWhatTheFactorSolves(k: Int) throws {
    let a = BLASTests.numbers(2 * k * k, 9)
    var matrix = [Float](repeating: 0, count: k * k)
    var span = matrix.mutableSpan
    BLAS.addGram(of: a.span, columns: k, to: &span)
    for index in 0..<k { matrix[index * (k + 1)] += 1 }
    var factorSpan = matrix.mutableSpan
    try Cholesky.factor(&factorSpan, order: k)
    var sides = BLASTests.numbers(3 * k, 10)
    let original = sides
    var sidesSpan = sides.mutableSpan
    Cholesky.solve(factor: matrix.span, order: k, &sidesSpan)
    var inverseSpan = matrix.mutableSpan
    Cholesky.invert(&inverseSpan, order: k)
    for side in 0..<3 {
      for i in 0..<k {
        let product = (0..<k).reduce(0.0) { sum, j in
          sum + Double(matrix[min(i, j) * k + max(i, j)]) * Double(original[side * k + j])
        }
        #expect(abs(product - Double(sides[side * k + i])) < 1e-3)
      }
    }
  }
}

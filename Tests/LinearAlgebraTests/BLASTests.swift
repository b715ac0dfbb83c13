import LinearAlgebra
import Testing

@Suite struct BLASTests {
  @Test func productsAreThoseOfRows() {
    let a: [Float] = [1, 2, 3, 4, 5, 6]
    let b: [Float] = [1, 0, -1, 2, 2, 2]
    var c = [Float](repeating: .nan, count: 4)
    var span = c.mutableSpan
    BLAS.products(of: a.span, and: b.span, columns: 3, into: &span)
    #expect(c == [-2, 12, -2, 30])
  }
}

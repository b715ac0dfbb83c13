import COpenBLAS

/// The eigenvalues and eigenvectors of a symmetric matrix, by LAPACK's `dsyev`.
public struct SymmetricEigen: Sendable {
  /// Falling.
  public let values: [Double]
  /// Row-major, one row for each value: a vector of length 1. The largest of its elements, of
  /// equal ones the first, is positive.
  public let vectors: [Double]

  /// - Parameters:
  ///   - matrix: k × k, row-major; only the upper triangle is read.
  ///   - order: k, at least 1.
  /// - Returns: `nil` if there are none: the matrix is not finite.
  public init?(_ matrix: [Double], order: Int) {
    precondition(order > 0 && matrix.count == order * order, "the matrix is k × k")
    guard matrix.allSatisfy(\.isFinite) else { return nil }
    var vectors = matrix
    var values = [Double](repeating: 0, count: order)
    var work = [Double](repeating: 0, count: max(3 * order, 1))
    var n = Int32(order)
    var size = Int32(work.count)
    var info: Int32 = 0
    unsafe vectors.withUnsafeMutableBufferPointer { vectors in
      unsafe values.withUnsafeMutableBufferPointer { values in
        unsafe work.withUnsafeMutableBufferPointer { work in
          unsafe dsyev_(
            "V", "L", &n, vectors.baseAddress, &n, values.baseAddress, work.baseAddress, &size,
            &info)
        }
      }
    }
    precondition(info >= 0, "dsyev refuses an argument")
    guard info == 0 else { return nil }
    // LAPACK gives rising values, and vectors by columns.
    var falling: [Double] = []
    for row in (0..<order).reversed() {
      let vector = vectors[row * order..<(row + 1) * order]
      let largest = vector.reduce(0.0) { $1.magnitude > $0.magnitude ? $1 : $0 }
      falling += vector.map { largest < 0 ? -$0 : $0 }
    }
    self.values = values.reversed()
    self.vectors = falling
  }
}

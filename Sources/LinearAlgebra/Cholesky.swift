import COpenBLAS

/// The matrix has no Cholesky factor: it is not positive definite, or not finite.
public struct NotPositiveDefinite: Error, Hashable, Sendable {
  /// The first pivot that is not positive, counted from 1.
  public var pivot: Int

  public init(pivot: Int) {
    self.pivot = pivot
  }
}

/// Solves linear equations with a symmetric positive definite matrix, by LAPACK's `spotrf` and
/// `spotrs`.
///
/// Matrices are k × k, row-major; only the upper triangle is read and written. To LAPACK, which is
/// column-major, it is the lower triangle of the same symmetric matrix.
public enum Cholesky {
  /// Replaces A with its factor.
  ///
  /// - Parameters:
  ///   - matrix: k × k.
  ///   - order: k, at least 1.
  /// - Throws: if there is none. The matrix is then undefined.
  public static func factor(
    _ matrix: inout MutableSpan<Float>, order: Int
  ) throws(NotPositiveDefinite) {
    precondition(order > 0 && matrix.count == order * order, "the matrix is k × k")
    var n = Int32(order)
    var info: Int32 = 0
    unsafe matrix.withUnsafeMutableBufferPointer { matrix in
      unsafe spotrf_("L", &n, matrix.baseAddress, &n, &info)
    }
    precondition(info >= 0, "spotrf refuses an argument")
    guard info == 0 else { throw NotPositiveDefinite(pivot: Int(info)) }
    // Not every implementation rejects a NaN pivot.
    guard matrix[order * order - 1].isFinite else { throw NotPositiveDefinite(pivot: order) }
  }

  /// Replaces b with the solution x of A · x = b.
  ///
  /// - Parameters:
  ///   - factor: the result of `factor` for A.
  ///   - order: k.
  ///   - vector: k.
  public static func solve(
    factor: Span<Float>, order: Int, _ vector: inout MutableSpan<Float>
  ) {
    precondition(order > 0 && factor.count == order * order && vector.count == order)
    var n = Int32(order)
    var one: Int32 = 1
    var info: Int32 = 0
    unsafe factor.withUnsafeBufferPointer { factor in
      unsafe vector.withUnsafeMutableBufferPointer { vector in
        unsafe spotrs_("L", &n, &one, factor.baseAddress, &n, vector.baseAddress, &n, &info)
      }
    }
    precondition(info == 0, "spotrs refuses an argument")
  }
}

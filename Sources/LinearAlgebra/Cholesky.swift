import COpenBLAS

/// A matrix has no Cholesky factor: it is not positive definite, or not finite.
public struct NotPositiveDefinite: Error, Hashable, Sendable {
  /// The first pivot that is not above 0, from 1.
  public var pivot: Int

  public init(pivot: Int) {
    self.pivot = pivot
  }
}

/// Linear equations with a symmetric positive definite matrix, by LAPACK's `spotrf` and `spotrs`.
///
/// Matrices are k × k, row-major; only the upper triangle is read and written. LAPACK counts
/// columns first and takes it for the lower one of the same symmetric matrix.
public enum Cholesky {
  /// Replaces A by its factor.
  ///
  /// - Parameters:
  ///   - matrix: k × k.
  ///   - order: k, at least 1.
  /// - Throws: when there is none; the matrix is then worthless.
  public static func factor(
    _ matrix: inout MutableSpan<Float>, order: Int
  ) throws(NotPositiveDefinite) {
    precondition(order > 0 && matrix.count == order * order, "the matrix is k × k")
    var n = Int32(order)
    var info: Int32 = 0
    matrix.withUnsafeMutableBufferPointer { matrix in
      spotrf_("L", &n, matrix.baseAddress, &n, &info)
    }
    precondition(info >= 0, "spotrf refuses an argument")
    guard info == 0 else { throw NotPositiveDefinite(pivot: Int(info)) }
    // A NaN is not below 0 for every implementation.
    guard matrix[order * order - 1].isFinite else { throw NotPositiveDefinite(pivot: order) }
  }

  /// Replaces b by the x with A · x = b.
  ///
  /// - Parameters:
  ///   - factor: what `factor` has made of A.
  ///   - order: k.
  ///   - vector: k.
  public static func solve(
    factor: Span<Float>, order: Int, _ vector: inout MutableSpan<Float>
  ) {
    precondition(order > 0 && factor.count == order * order && vector.count == order)
    var n = Int32(order)
    var one: Int32 = 1
    var info: Int32 = 0
    factor.withUnsafeBufferPointer { factor in
      vector.withUnsafeMutableBufferPointer { vector in
        spotrs_("L", &n, &one, factor.baseAddress, &n, vector.baseAddress, &n, &info)
      }
    }
    precondition(info == 0, "spotrs refuses an argument")
  }
}

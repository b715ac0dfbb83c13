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

  /// Replaces each right side b with the solution x of A · x = b.
  ///
  /// - Parameters:
  ///   - factor: the result of `factor` for A.
  ///   - order: k.
  ///   - rightSides: any number of vectors of k, one after another.
  public static func solve(
    factor: Span<Float>, order: Int, _ rightSides: inout MutableSpan<Float>
  ) {
    precondition(order > 0 && factor.count == order * order && rightSides.count % order == 0)
    var n = Int32(order)
    var count = Int32(rightSides.count / order)
    var info: Int32 = 0
    guard count > 0 else { return }
    unsafe factor.withUnsafeBufferPointer { factor in
      unsafe rightSides.withUnsafeMutableBufferPointer { rightSides in
        unsafe spotrs_(
          "L", &n, &count, factor.baseAddress, &n, rightSides.baseAddress, &n, &info)
      }
    }
    precondition(info == 0, "spotrs refuses an argument")
  }

  /// A matrix can be inverted if its order is a multiple of this: with others, OpenBLAS 0.3.21
  /// reads from addresses that its instructions can't take.
  public static let invertibleOrders = 16

  /// Replaces a factor with the inverse of its matrix, by LAPACK's `spotri`; the upper triangle.
  ///
  /// - Parameters:
  ///   - factor: the result of `factor`.
  ///   - order: k, a multiple of `invertibleOrders`.
  public static func invert(_ factor: inout MutableSpan<Float>, order: Int) {
    precondition(order > 0 && factor.count == order * order)
    precondition(order % invertibleOrders == 0, "the order is a multiple of 16")
    var n = Int32(order)
    var info: Int32 = 0
    unsafe factor.withUnsafeMutableBufferPointer { factor in
      unsafe spotri_("L", &n, factor.baseAddress, &n, &info)
    }
    precondition(info == 0, "spotri refuses an argument")
  }
}

import COpenBLAS

/// Products of dense matrices in single precision, by OpenBLAS.
///
/// Matrices are row-major and contiguous: element (i, j) of one with k columns is at i · k + j.
/// OpenBLAS runs on the caller's thread only. To use more threads, divide the rows among them: then
/// the caller controls the order of summation.
public enum BLAS {
  /// Evaluated once, before the first call to a routine.
  private static let ready: Void = openblas_set_num_threads(1)

  /// C = A · Bᵀ: the dot products of all rows of A with all rows of B.
  ///
  /// - Parameters:
  ///   - a: m × k.
  ///   - b: n × k.
  ///   - columns: k, at least 1.
  ///   - c: at least m × n elements; the first m × n are overwritten.
  public static func products(
    of a: Span<Float>, and b: Span<Float>, columns: Int, into c: inout MutableSpan<Float>
  ) {
    multiply(a, b, CblasTrans, columns, &c)
  }

  /// C = A · B.
  ///
  /// - Parameters:
  ///   - a: m × k.
  ///   - b: k × n.
  ///   - inner: k, at least 1.
  ///   - c: at least m × n elements; the first m × n are overwritten.
  public static func product(
    of a: Span<Float>, and b: Span<Float>, inner: Int, into c: inout MutableSpan<Float>
  ) {
    multiply(a, b, CblasNoTrans, inner, &c)
  }

  private static func multiply(
    _ a: Span<Float>, _ b: Span<Float>, _ orientation: CBLAS_TRANSPOSE, _ k: Int,
    _ c: inout MutableSpan<Float>
  ) {
    ready
    let m = rows(of: a.count, columns: k)
    let n = rows(of: b.count, columns: k)
    precondition(c.count >= m * n, "the result is m × n")
    guard m > 0, n > 0 else { return }
    unsafe a.withUnsafeBufferPointer { a in
      unsafe b.withUnsafeBufferPointer { b in
        unsafe c.withUnsafeMutableBufferPointer { c in
          unsafe cblas_sgemm(
            CblasRowMajor, CblasNoTrans, orientation, Int32(m), Int32(n), Int32(k), 1,
            a.baseAddress, Int32(k), b.baseAddress, Int32(orientation == CblasTrans ? k : n), 0,
            c.baseAddress, Int32(n))
        }
      }
    }
  }

  /// G += Aᵀ · A; computes the upper triangle only.
  ///
  /// - Parameters:
  ///   - a: n × k.
  ///   - columns: k, at least 1.
  ///   - gram: k × k; elements below the diagonal are unchanged.
  public static func addGram(
    of a: Span<Float>, columns: Int, to gram: inout MutableSpan<Float>
  ) {
    ready
    let n = rows(of: a.count, columns: columns)
    precondition(gram.count == columns * columns, "a Gram matrix is k × k")
    guard n > 0 else { return }
    unsafe a.withUnsafeBufferPointer { a in
      unsafe gram.withUnsafeMutableBufferPointer { gram in
        unsafe cblas_ssyrk(
          CblasRowMajor, CblasUpper, CblasTrans, Int32(columns), Int32(n), 1, a.baseAddress,
          Int32(columns), 1, gram.baseAddress, Int32(columns))
      }
    }
  }

  /// y += Aᵀ · t: adds the rows of A, each times its coefficient.
  ///
  /// - Parameters:
  ///   - a: n × k.
  ///   - columns: k, at least 1.
  ///   - coefficients: n.
  ///   - y: k.
  public static func addCombination(
    ofRows a: Span<Float>, columns: Int, coefficients: Span<Float>, to y: inout MutableSpan<Float>
  ) {
    ready
    let n = rows(of: a.count, columns: columns)
    precondition(coefficients.count == n && y.count == columns, "one coefficient per row")
    guard n > 0 else { return }
    unsafe a.withUnsafeBufferPointer { a in
      unsafe coefficients.withUnsafeBufferPointer { coefficients in
        unsafe y.withUnsafeMutableBufferPointer { y in
          unsafe cblas_sgemv(
            CblasRowMajor, CblasTrans, Int32(n), Int32(columns), 1, a.baseAddress, Int32(columns),
            coefficients.baseAddress, 1, 1, y.baseAddress, 1)
        }
      }
    }
  }

  private static func rows(of count: Int, columns: Int) -> Int {
    precondition(columns > 0 && count % columns == 0, "a matrix has whole rows")
    precondition(count <= Int(Int32.max) * columns, "OpenBLAS counts rows in 32 bits")
    return count / columns
  }
}

import LinearAlgebra

/// A row-major matrix that several threads may fill at once, each its own rows.
// @unchecked: the memory has one owner; each row is handed to one thread only.
struct FactorMatrix: ~Copyable, @unchecked Sendable {
  let rows: Int
  let columns: Int
  private let memory: UnsafeMutableBufferPointer<Float>

  /// All zero.
  init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    memory = .allocate(capacity: rows * columns)
    memory.initialize(repeating: 0)
  }

  deinit { memory.deallocate() }

  /// All elements. Write them only while no thread has a row.
  var all: UnsafeMutableBufferPointer<Float> { memory }

  var elements: UnsafeBufferPointer<Float> { UnsafeBufferPointer(memory) }

  var span: Span<Float> {
    @_lifetime(borrow self)
    get {
      let span = Span(_unsafeElements: UnsafeBufferPointer(memory))
      return _overrideLifetime(span, borrowing: self)
    }
  }

  /// A row, to be written by one thread.
  func row(_ index: Int) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(rebasing: memory[index * columns..<(index + 1) * columns])
  }

  /// Mᵀ · M times a factor, the upper triangle. It is summed by fixed blocks of rows in their
  /// order, so the sum does not depend on the number of threads.
  func gram(scaledBy factor: Float, _ threads: Threads) -> [Float] {
    let blockRows = 4096
    let size = columns * columns
    let blocks = (rows + blockRows - 1) / blockRows
    let sums = FactorMatrix(rows: max(blocks, 1), columns: size)
    threads.forEach(0..<blocks) { block, _ in
      let first = block * blockRows
      let last = min(first + blockRows, rows)
      var sum = MutableSpan(_unsafeElements: sums.row(block))
      BLAS.addGram(
        of: span.extracting(first * columns..<last * columns), columns: columns, to: &sum)
    }
    var gram = Array(sums.row(0))
    for block in 1..<max(blocks, 1) {
      for (index, value) in sums.row(block).enumerated() { gram[index] += value }
    }
    for index in gram.indices { gram[index] *= factor }
    return gram
  }
}

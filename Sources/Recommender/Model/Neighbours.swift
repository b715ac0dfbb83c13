/// For each movie, the movies that are rated soon after it, with weights above 0.
public struct Neighbours: Hashable, Sendable {
  /// Where each row's neighbours begin, then where the last row's end.
  public private(set) var starts: [Int] = [0]
  /// Rows, rising for each row.
  public private(set) var columns: [Int32] = []
  public private(set) var weights: [Float] = []

  /// Of no movies.
  public init() {}

  /// Of movies without neighbours.
  public init(rows: Int) {
    starts = Array(repeating: 0, count: rows + 1)
  }

  public var rows: Int { starts.count - 1 }
  /// How many pairs there are.
  public var count: Int { columns.count }

  /// Adds the next row.
  ///
  /// - Parameter neighbours: by rising row, their weights finite and above 0.
  public mutating func append(_ neighbours: some Sequence<(row: Int, weight: Float)>) {
    for neighbour in neighbours {
      columns.append(Int32(neighbour.row))
      weights.append(neighbour.weight)
    }
    starts.append(columns.count)
  }

  /// The indices of a row's neighbours.
  func range(of row: Int) -> Range<Int> { starts[row]..<starts[row + 1] }

  /// Calls `body` with each neighbour of a row and its weight.
  func forEach(of row: Int, _ body: (_ row: Int, _ weight: Float) -> Void) {
    let range = range(of: row)
    columns.withUnsafeBufferPointer { columns in
      weights.withUnsafeBufferPointer { weights in
        for place in range { body(Int(columns[place]), weights[place]) }
      }
    }
  }

  /// The weight of a row's neighbour; 0 for another movie.
  func weight(of column: Int, for row: Int) -> Float {
    range(of: row).first { columns[$0] == column }.map { weights[$0] } ?? 0
  }

  /// The same with each weight times its neighbour's factor, which must be above 0.
  func scaled(by factors: [Double]) -> Neighbours {
    var scaled = self
    for (index, column) in columns.enumerated() {
      scaled.weights[index] = Float(Double(weights[index]) * factors[Int(column)])
    }
    return scaled
  }
}

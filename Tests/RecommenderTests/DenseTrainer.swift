import Glibc

@testable import Recommender

/// Training by its formulas alone: dense, in double precision, by Gaussian elimination.
struct DenseTrainer {
  let ratings: RatingMatrix
  let parameters: ModelParameters
  var movies: [[Double]]

  init(_ ratings: RatingMatrix, _ parameters: ModelParameters) {
    self.ratings = ratings
    self.parameters = parameters
    var random = SeededRandom(seed: parameters.seed)
    let scale = parameters.initialDeviation / Double(parameters.factors).squareRoot()
    movies = ratings.movies.map { _ in
      (0..<parameters.factors).map { _ in Double(Float(scale * random.normal())) }
    }
  }

  /// The movies of each row.
  func windows(phase: Int) -> [[Int]] {
    var rows: [[Int]] = []
    for user in ratings.users.indices {
      var row = -1
      for (position, index) in ratings.range(ofUser: user).enumerated() {
        let length = parameters.window
        let window = length == 0 ? 0 : (position + phase * length / 2) / length
        if window != row { rows.append([]) }
        row = window
        rows[rows.count - 1].append(ratings.rating(index).movie)
      }
    }
    return rows
  }

  func unobserved(rows: Int) -> Double {
    parameters.unobservedWeight * Double(ratings.count) / Double(rows * movies.count)
  }

  func ridge(_ count: Int, _ columns: Int, _ unobserved: Double) -> Double {
    parameters.regularization
      * pow(Double(count) + unobserved * Double(columns), parameters.regularizationExponent)
  }

  func solveRows(phase: Int) -> [[Double]] {
    let windows = windows(phase: phase)
    let weight = unobserved(rows: windows.count)
    return windows.map { row in
      solve(row.map { movies[$0] }, all: movies, weight, ridge(row.count, movies.count, weight))
    }
  }

  /// - Returns: the loss per rating, added up over all pairs.
  mutating func runEpoch(_ epoch: Int) -> Double {
    let phase = parameters.window == 0 ? 0 : epoch % 2
    let windows = windows(phase: phase)
    let weight = unobserved(rows: windows.count)
    let rows = solveRows(phase: phase)
    var raters = [[Int]](repeating: [], count: movies.count)
    for (row, rated) in windows.enumerated() {
      for movie in rated { raters[movie].append(row) }
    }
    movies = raters.map { own in
      solve(own.map { rows[$0] }, all: rows, weight, ridge(own.count, rows.count, weight))
    }
    var loss = 0.0
    for (row, rated) in windows.enumerated() {
      for movie in movies { loss += weight * pow(dot(rows[row], movie), 2) }
      for movie in rated { loss += pow(1 - dot(rows[row], movies[movie]), 2) }
      loss += ridge(rated.count, movies.count, weight) * dot(rows[row], rows[row])
    }
    for (movie, own) in raters.enumerated() {
      loss += ridge(own.count, rows.count, weight) * dot(movies[movie], movies[movie])
    }
    return loss / Double(ratings.count)
  }

  private func dot(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }

  private func solve(
    _ terms: [[Double]], all: [[Double]], _ weight: Double, _ ridge: Double
  ) -> [Double] {
    let k = parameters.factors
    var matrix: [[Double]] = []
    for i in 0..<k {
      var row = [Double](repeating: 0, count: k + 1)
      for j in 0..<k {
        for term in terms { row[j] += term[i] * term[j] }
        for other in all { row[j] += weight * other[i] * other[j] }
      }
      for term in terms { row[k] += term[i] }
      row[i] += ridge
      matrix.append(row)
    }
    for pivot in 0..<k {
      for row in 0..<k where row != pivot {
        let factor = matrix[row][pivot] / matrix[pivot][pivot]
        for column in pivot...k { matrix[row][column] -= factor * matrix[pivot][column] }
      }
    }
    return (0..<k).map { matrix[$0][k] / matrix[$0][$0] }
  }
}

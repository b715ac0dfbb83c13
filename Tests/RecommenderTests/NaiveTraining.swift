import Glibc

@testable import Ratings
@testable import Recommender

/// Training by its formulas alone: dense, in double precision, by Gaussian elimination.
struct NaiveTraining {
  let ratings: RatingMatrix
  let parameters: ModelParameters

  /// Each user's ratings by time, as pairs of a movie and its weight.
  var sequences: [[(movie: Int, weight: Double)]] {
    let all = (0..<ratings.count).map { ratings.rating($0).rating.stars }
    let general = all.reduce(0, +) / Double(all.count)
    return ratings.users.indices.map { user in
      let own = ratings.range(ofUser: user).map { ratings.rating($0) }
      let mean =
        (own.reduce(0) { $0 + $1.rating.stars } + 5 * general) / Double(own.count + 5)
      return own.map { ($0.movie, min(max(1 + 0.3 * ($0.rating.stars - mean), 0), 1.5)) }
    }
  }

  /// X, scaled by the counts.
  var preferences: [[Double]] {
    let counts = ratings.movieCounts
    return sequences.map { own in
      var row = [Double](repeating: 0, count: counts.count)
      for (movie, weight) in own {
        row[movie] = weight * pow(Double(own.count), -0.3) * pow(Double(counts[movie]), -0.4)
      }
      return row
    }
  }

  /// Element (i, j): what j adds to i.
  var weights: [[Double]] {
    let count = ratings.movies.count
    var weights = together
    guard parameters.recencyHalfLife > 0 else { return weights }
    let ahead = self.ahead
    for i in 0..<count {
      for j in 0..<count { weights[i][j] += ahead[i][j] }
    }
    return weights
  }

  private var together: [[Double]] {
    let count = ratings.movies.count
    var gram = Self.diagonal(parameters.regularization, count)
    for own in sequences {
      let length = parameters.window == 0 ? max(own.count, 1) : parameters.window
      for start in stride(from: 0, to: own.count, by: length) {
        let window = own[start..<min(start + length, own.count)]
        for a in window { for b in window { gram[a.movie][b.movie] += a.weight * b.weight } }
      }
    }
    let inverse = Self.solve(gram, Self.diagonal(1, count))
    return (0..<count).map { i in
      (0..<count).map { j in i == j ? 0 : -inverse[i][j] / inverse[i][i] }
    }
  }

  private var ahead: [[Double]] {
    let count = ratings.movies.count
    var gram = Self.diagonal(parameters.regularization / 4, count)
    var sides = Self.diagonal(0, count)
    for own in sequences {
      for start in stride(from: 0, to: own.count, by: 5) {
        let history = own[max(0, start - 30)..<start].enumerated().map { place, rated in
          let lag = start - max(0, start - 30) - place
          return (rated.movie, rated.weight * exp2(-Double(lag - 1) / parameters.recencyHalfLife))
        }
        for (a, x) in history { for (b, y) in history { gram[a][b] += x * y } }
        for next in own[start..<min(start + 5, own.count)] {
          for (a, x) in history { sides[a][next.movie] += x * next.weight }
        }
      }
    }
    let solution = Self.solve(gram, sides)
    return (0..<count).map { i in (0..<count).map { j in solution[j][i] } }
  }

  private static func diagonal(_ value: Double, _ count: Int) -> [[Double]] {
    (0..<count).map { i in (0..<count).map { $0 == i ? value : 0 } }
  }

  /// A⁻¹B.
  private static func solve(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
    var rows = zip(a, b).map { $0 + $1 }
    let count = a.count
    for pivot in 0..<count {
      for row in 0..<count where row != pivot {
        let factor = rows[row][pivot] / rows[pivot][pivot]
        for column in pivot..<rows[row].count { rows[row][column] -= factor * rows[pivot][column] }
      }
    }
    return (0..<count).map { row in rows[row][count...].map { $0 / rows[row][row] } }
  }
}

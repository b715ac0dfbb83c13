import Glibc

/// What ratings teach, before the settings that only combine it: any number of models is made of
/// it without training again.
public struct Fit: Sendable {
  /// The mean of all ratings, in stars.
  public let meanRating: Double
  private let movies: [Int64]
  private let counts: [Double]
  /// Row-major, one row per movie, by falling singular value.
  private let vectors: [Float]
  private let columns: Int
  /// The squares of the singular values, falling: those of the vectors, and of some beyond them.
  private let squares: [Double]
  private let neighbours: Neighbours
  private let qualities: [Double]
  private let commonWeights: [Double]
  private let preferences: Preferences
  private var recentCounts: [Double: [Double]] = [:]

  /// - Parameter squares: of the singular values; of those of the vectors at least.
  init(
    _ preferences: Preferences, vectors: [Float], factors: Int, squares: [Double],
    neighbours: Neighbours
  ) {
    meanRating = preferences.generalMean
    movies = preferences.ratings.movies
    counts = preferences.movieCounts.map(Double.init)
    self.vectors = vectors
    columns = factors
    self.squares = squares
    self.neighbours = neighbours
    qualities = preferences.qualities
    commonWeights = preferences.commonWeights
    self.preferences = preferences
  }

  /// How much of what each factor tells may be chance: the square of the singular value beyond the
  /// last factor's, relative to that of its own.
  ///
  /// - Parameter factors: at most as many as were trained.
  public func doubts(factors k: Int) -> [Double] {
    precondition(k <= columns)
    let chance = k < squares.count ? max(squares[k], 0) : 0
    return squares.prefix(k).map { chance < $0 ? chance / $0 : chance > 0 ? 1 : 0 }
  }

  /// Makes a model's contents.
  ///
  /// - Parameter parameters: with at most as many factors as were trained.
  public mutating func contents(_ parameters: ModelParameters) -> FactorModel.Contents {
    let k = parameters.factors
    precondition(k <= columns)
    let lifts = lifts(parameters)
    let exponent = Double(Trainer.movieExponent)
    var factors = [Float](repeating: 0, count: movies.count * k)
    var scales = [Float](repeating: 0, count: movies.count)
    var prior = [Double](repeating: 0, count: k)
    for row in movies.indices {
      let scale = pow(counts[row], exponent)
      let common = commonWeights[row] / scale
      for factor in 0..<k {
        let number = Double(vectors[row * columns + factor])
        factors[row * k + factor] = Float(number * scale * lifts[row])
        prior[factor] += common * number
      }
      scales[row] = Float(1 / (scale * scale * lifts[row]))
    }
    return FactorModel.Contents(
      movies: movies, factors: factors, scales: scales, prior: prior.map { Float($0) },
      neighbours: neighbours.scaled(by: lifts))
  }

  /// What each movie's scores are multiplied with, above 0: for its trend and its quality.
  private mutating func lifts(_ parameters: ModelParameters) -> [Double] {
    let recent = recent(halfLife: parameters.trendHalfLife)
    return movies.indices.map { row in
      let trend = (recent[row] + 1) / (counts[row] + 1)
      return pow(trend, parameters.trend) * exp(parameters.quality * qualities[row])
    }
  }

  private mutating func recent(halfLife: Double) -> [Double] {
    if let known = recentCounts[halfLife] { return known }
    let found = preferences.recentCounts(halfLife: halfLife)
    recentCounts[halfLife] = found
    return found
  }
}

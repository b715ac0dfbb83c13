import Glibc

/// What a model is trained with, beside the ratings; and how users are folded into it.
///
/// The formulas stand in Model.md.
public struct ModelParameters: Hashable, Sendable {
  /// Within `allowedFactors`: the length of every vector, k.
  public var factors = 64
  /// Sweeps over all users and all movies, at least 1.
  public var epochs = 12
  /// λ, above 0.
  public var regularization = 0.3
  /// ν: how λ grows with the number of ratings, 0...1.
  public var regularizationExponent = 0.5
  /// α₀: what a movie not rated weighs against one that is, above 0.
  public var unobservedWeight = 0.3
  /// σ: movies start as normal vectors of this expected length, above 0.
  public var initialDeviation = 0.1
  /// Training cuts a user's ratings, by time, into windows of this many, each a row of its own; 0
  /// leaves them whole.
  public var window = 50
  /// How much more a good rating weighs than a bad one, 0...1: half a star has 1 minus this, five
  /// stars 1.
  public var ratingSlope = 0.0
  /// When a user is folded in, a rating's weight halves with each so many newer ones; 0 makes all
  /// equal.
  public var recencyHalfLife = 4.0
  /// What λ is multiplied by when a user is folded in, above 0.
  public var foldInRegularization = 1.0
  /// The same seed gives the same model.
  public var seed: UInt64 = 1

  public static let allowedFactors = 1...2048

  public init() {}

  /// How much a rating weighs in training, above 0...1.
  func weight(of rating: HalfStars) -> Float {
    Float(1 - ratingSlope * Double(10 - rating.rawValue) / 9)
  }

  /// λ of one row of the equations: λ · (n + α₀ · N)^ν.
  ///
  /// - Parameters:
  ///   - ratings: n, those of this row.
  ///   - columns: N: all movies for a user's row, all users' rows for a movie.
  func ridge(ratings: Int, columns: Int) -> Float {
    Float(
      regularization
        * pow(Double(ratings) + unobservedWeight * Double(columns), regularizationExponent))
  }

  /// λ of a user that is folded in, who counts as a row of training.
  func foldInRidge(ratings: Int, movies: Int) -> Float {
    let counted = window > 0 ? min(ratings, window) : ratings
    return Float(foldInRegularization) * ridge(ratings: counted, columns: movies)
  }
}

import Glibc
import Ratings

/// What a model is trained with, beside the ratings; and how users are folded into it.
///
/// The formulas, and what each part is worth, stand in Model.md.
public struct ModelParameters: Hashable, Sendable {
  /// Within `allowedFactors`: the length of every vector, k.
  public var factors = 64
  /// Sweeps over all rows and all movies, at least 1.
  public var epochs = 10
  /// λ, above 0: what a vector's length costs, for each rating in the vector's equations.
  public var regularization = 0.005
  /// ν: how that grows with the number of ratings, 0...1.
  public var regularizationExponent = 1.0
  /// ρ, above 0: what all that is not rated weighs together, in ratings, for each one there is.
  public var unobservedWeight = 30.0
  /// σ: movies start as normal vectors of this expected length, above 0.
  public var initialDeviation = 0.1
  /// L: training cuts a user's ratings, by time, into windows of so many, each a row of its own.
  /// Even; 0 leaves users whole.
  public var window = 50
  /// h: when a user is folded in, a rating's weight halves with each so many newer ones; 0 makes all
  /// equal.
  public var recencyHalfLife = 4.0
  /// γ: when a user is folded in, what a star above the user's mean adds to a rating's weight of 1, 0
  /// or more.
  public var taste = 0.5
  /// The same seed gives the same model.
  public var seed: UInt64 = 1

  public static let allowedFactors = 1...2048
  /// Within which taste alone can move a rating's weight.
  private static let tasteRange = 0.2...2.0

  public init() {}

  /// How much a rating weighs for the user's taste when the user is folded in.
  ///
  /// - Parameter mean: of the user's ratings, in stars.
  func tasteWeight(of rating: HalfStars, mean: Double) -> Double {
    let weight = 1 + taste * (rating.stars - mean)
    return min(max(weight, Self.tasteRange.lowerBound), Self.tasteRange.upperBound)
  }

  /// λ of a vector's equations: λ · (Σ w + α₀ · N)^ν.
  ///
  /// - Parameters:
  ///   - weight: Σ w, of its ratings.
  ///   - unobserved: α₀, of one pair that is not rated.
  ///   - columns: N, how many there are of what it is paired with.
  func ridge(weight: Double, unobserved: Double, columns: Int) -> Float {
    let mass = weight + unobserved * Double(columns)
    let scale = regularizationExponent == 1 ? mass : pow(mass, regularizationExponent)
    return Float(regularization * scale)
  }

  /// α₀: what one pair that is not rated weighs, so that all pairs together weigh ρ times the ratings.
  func unobservedWeight(ratings: Int, rows: Int, movies: Int) -> Double {
    unobservedWeight * Double(ratings) / (Double(max(rows, 1)) * Double(max(movies, 1)))
  }
}

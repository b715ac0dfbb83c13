import Glibc
import Ratings

/// How a model is trained, and how users are folded into it.
///
/// The formulas, and what each part is worth, are in Model.md.
public struct ModelParameters: Hashable, Sendable {
  /// k: the length of every vector, within `allowedFactors`.
  public var factors = 64
  /// Sweeps over all rows and all movies, at least 1.
  public var epochs = 10
  /// λ, above 0: the cost of a vector's length per rating in its equations.
  public var regularization = 0.005
  /// ν, within 0...1: how that cost grows with the number of ratings.
  public var regularizationExponent = 1.0
  /// ρ, above 0: how many times as much as the ratings all unrated pairs weigh together.
  public var unobservedWeight = 30.0
  /// σ, above 0: movies start as normal vectors of this expected length.
  public var initialDeviation = 0.1
  /// L, even: training cuts a user's ratings by time into windows of this many, each a row of its
  /// own; 0 leaves users whole.
  public var window = 50
  /// h: when a user is folded in, a rating's weight halves with every h newer ratings; 0 weighs all
  /// the same.
  public var recencyHalfLife = 4.0
  /// γ, 0 or more: when a user is folded in, what a star above the user's mean adds to a rating's
  /// weight of 1.
  public var taste = 0.5
  /// The same seed gives the same model.
  public var seed: UInt64 = 1

  public static let allowedFactors = 1...2048
  /// The range in which taste can move a rating's weight.
  private static let tasteRange = 0.2...2.0

  public init() {}

  /// A rating's weight by the user's taste when the user is folded in.
  ///
  /// - Parameter mean: of the user's ratings, in stars.
  func tasteWeight(of rating: HalfStars, mean: Double) -> Double {
    let weight = 1 + taste * (rating.stars - mean)
    return min(max(weight, Self.tasteRange.lowerBound), Self.tasteRange.upperBound)
  }

  /// λ of a vector's equations: λ · (Σ w + α₀ · N)^ν.
  ///
  /// - Parameters:
  ///   - weight: Σ w over its ratings.
  ///   - unobserved: α₀, the weight of one unrated pair.
  ///   - columns: N, the number of rows or movies it is paired with.
  func ridge(weight: Double, unobserved: Double, columns: Int) -> Float {
    let mass = weight + unobserved * Double(columns)
    let scale = regularizationExponent == 1 ? mass : pow(mass, regularizationExponent)
    return Float(regularization * scale)
  }

  /// α₀: the weight of one unrated pair, so that all pairs together weigh ρ times the ratings.
  func unobservedWeight(ratings: Int, rows: Int, movies: Int) -> Double {
    unobservedWeight * Double(ratings) / (Double(max(rows, 1)) * Double(max(movies, 1)))
  }
}

/// How a model is trained, and how users are folded into it.
///
/// The formulas, and what each part is worth, are in Model.md.
public struct ModelParameters: Hashable, Sendable {
  /// k: the length of every vector, within `allowedFactors`.
  public var factors = 16
  /// Sweeps over all ratings, at least 1.
  public var epochs = 12
  /// L: movies are neighbours if they are rated within a window of this many ratings; 0 leaves
  /// users whole.
  public var window = 50
  /// λ, above 0: what is added to the co-ratings of a movie with itself.
  public var regularization = 400.0
  /// N, at least 0: how many neighbours a movie keeps.
  public var neighbours = 200
  /// h: in the last sitting a rating's weight halves with every h newer ratings; 0 weighs all the
  /// same.
  public var recencyHalfLife = 5.0
  /// s, 0 or more: what a star above the user's mean adds to a rating's weight of 1.
  public var taste = 0.4
  /// κ, 0 or more: how many ratings everyone's taste counts for, next to the user's own.
  public var prior = 3.0
  /// β, 0 or more: how much it counts that a movie is rated more now than before.
  public var trend = 0.25
  /// Days after which a rating counts half for the trend, above 0.
  public var trendHalfLife = 365.0
  /// γ, 0 or more: how much it counts that a movie's raters give it more than their mean.
  public var quality = 0.2
  /// a, within 0...1: the last sitting's share right after it.
  public var sitting = 0.7
  /// T, above 0: hours after which that share is half.
  public var sittingHours = 24.0
  /// The same seed gives the same model.
  public var seed: UInt64 = 1

  public static let allowedFactors = 1...2048
  public static let allowedNeighbours = 0...4096

  public init() {}

  /// The last sitting's share: a · T / (T + τ).
  ///
  /// - Parameter elapsedMilliseconds: τ, since the user's last rating; 0 or more.
  func sittingShare(elapsedMilliseconds: Int64) -> Double {
    let hours = Double(elapsedMilliseconds) / 3_600_000
    return sitting * (sittingHours / (sittingHours + hours))
  }
}

/// What a rating says about its user's taste.
struct TasteWeights: Sendable {
  /// How many ratings of the general mean are added to a user's own when the user's mean is taken:
  /// one rating alone says little about how its user rates.
  private static let meanWeight = 5.0
  /// A film that a user disliked speaks against its kind, but choosing it spoke for it.
  static let serving = -0.5...1.5
  static let training = 0.0...1.5
  /// s in training.
  static let trainingSlope = 0.3

  /// μ: the mean of all ratings, in stars.
  let generalMean: Double
  let slope: Double
  let range: ClosedRange<Double>

  /// - Parameters:
  ///   - sum: of the user's ratings, in stars.
  ///   - count: of the user's ratings.
  func mean(sum: Double, count: Int) -> Double {
    (sum + Self.meanWeight * generalMean) / (Double(count) + Self.meanWeight)
  }

  /// 1 + s (r - mean), kept within the range.
  func weight(stars: Double, mean: Double) -> Double {
    min(max(1 + slope * (stars - mean), range.lowerBound), range.upperBound)
  }
}

/// A movie's row in a model, and its score for one user.
public struct ScoredRow: Hashable, Sendable {
  public var row: Int
  public var score: Double

  public init(row: Int, score: Double) {
    self.row = row
    self.score = score
  }
}

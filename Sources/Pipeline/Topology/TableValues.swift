public import Streams

/// What the product's tables hold; `TableDeclaration.write` shows them as JSON.
extension TableDeclaration.Values {
  public static let userAggregate = Self("user aggregate")
  public static let userRating = Self("user rating")
  public static let genres = Self("genre dictionary")
  public static let movieAggregate = Self("movie aggregate")
  public static let times = Self("time journal")
  public static let takeBacks = Self("count of take-backs")
  public static let retractions = Self("retractions")
  public static let keptOut = Self("statements kept out")
  public static let refold = Self("progress of folding again")
  public static let source = Self("source position")
}

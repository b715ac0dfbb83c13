/// All movies from best to worst by quality score.
public struct PopularityRanking: Sendable {
  /// A movie and its quality score.
  public struct Entry: Hashable, Sendable {
    public var movie: Int64
    public var quality: Double

    public init(movie: Int64, quality: Double) {
      self.movie = movie
      self.quality = quality
    }
  }

  /// From best to worst; equal scores by rising movie id.
  public let entries: [Entry]

  public init(_ entries: [Entry] = []) {
    self.entries = entries.sorted { a, b in
      a.quality != b.quality ? a.quality > b.quality : a.movie < b.movie
    }
  }

  /// The best `count` movies that are not excluded; fewer if there are no more.
  public func top(_ count: Int, excluding isExcluded: (Int64) -> Bool = { _ in false }) -> [Entry] {
    var top: [Entry] = []
    guard count > 0 else { return top }
    top.reserveCapacity(count)
    for entry in entries where !isExcluded(entry.movie) {
      top.append(entry)
      if top.count == count { break }
    }
    return top
  }
}

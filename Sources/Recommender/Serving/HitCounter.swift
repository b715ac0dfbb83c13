public import Ratings

/// The ten best movies that a user was shown, and the ten that the shadow would have shown.
public struct ShownLists: Hashable, Sendable {
  /// The offset of the first event of the user's partition that the lists don't know.
  public var stateOffset: Int64
  /// The mean of the user's ratings then, in stars.
  public var meanStars: Double
  public var live: [Int64]
  public var shadow: [Int64]

  public init(
    stateOffset: Int64, meanStars: Double, live: some Sequence<Int64>, shadow: some Sequence<Int64>
  ) {
    self.stateOffset = stateOffset
    self.meanStars = meanStars
    self.live = Array(live.prefix(ShadowComparison.depth))
    self.shadow = Array(shadow.prefix(ShadowComparison.depth))
  }
}

/// Counts what the next ratings of users hit of what they were shown, in one partition of the
/// users.
///
/// A list is judged once, by the first rating behind it; a newer list takes its place before that.
/// A rating counts as behind a list if the list does not know it, and if it was not counted yet
/// when the list was shown: the log may deliver a rating again.
public struct HitCounter: Sendable {
  /// Lists are forgotten, oldest first, beyond one to two times as many.
  static let mostLists = 50_000

  /// The version of the shadow.
  public let shadow: String
  public private(set) var tally: HitTally
  private var lists: [Int64: ShownLists] = [:]
  private var olderLists: [Int64: ShownLists] = [:]
  /// The offset behind all ratings that have been taken.
  private var next: Int64 = 0

  /// - Parameter tally: what was counted before.
  public init(shadow: String, tally: HitTally) {
    self.shadow = shadow
    self.tally = tally
  }

  /// Notes what a user was shown.
  public mutating func show(_ shown: ShownLists, to user: Int64) {
    if lists.count >= Self.mostLists {
      olderLists = lists
      lists = [:]
    }
    olderLists[user] = nil
    lists[user] = shown
  }

  /// Takes a user's rating, at its offset in the users' partition.
  ///
  /// - Returns: whether it has judged a list.
  @discardableResult
  public mutating func rate(_ user: Int64, _ movie: Int64, _ rating: HalfStars, at offset: Int64)
    -> Bool
  {
    guard offset >= next else { return false }
    next = offset + 1
    guard let shown = lists[user] ?? olderLists[user], offset >= shown.stateOffset else {
      return false
    }
    lists[user] = nil
    olderLists[user] = nil
    let isLiked = rating.stars >= shown.meanStars
    tally.judged += 1
    if shown.live.contains(movie) { tally.live.count(isLiked) }
    if shown.shadow.contains(movie) { tally.shadow.count(isLiked) }
    return true
  }
}

extension HitTally.Hits {
  fileprivate mutating func count(_ isLiked: Bool) {
    all += 1
    if isLiked { liked += 1 }
  }
}

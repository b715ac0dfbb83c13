/// How far the clocks of one zone are from UTC, and from when on: the table that turns local times
/// into instants without asking the system.
public struct ZoneOffsets: Hashable, Sendable {
  /// A moment from which an offset holds.
  public struct Change: Hashable, Sendable {
    /// Since 1970 (UTC).
    public var milliseconds: Int64
    /// Positive to the east.
    public var offsetMilliseconds: Int64

    public init(milliseconds: Int64, offsetMilliseconds: Int64) {
      self.milliseconds = milliseconds
      self.offsetMilliseconds = offsetMilliseconds
    }
  }

  public static let utc = ZoneOffsets(offsetMilliseconds: 0)

  /// What holds before the first change.
  private let first: Int64
  private let changes: [Change]

  /// - Parameters:
  ///   - offsetMilliseconds: what holds before the first change.
  ///   - changes: in the order of their time.
  public init(offsetMilliseconds: Int64, changes: [Change] = []) {
    first = offsetMilliseconds
    self.changes = changes
  }

  /// The instant at which the zone's clocks show a time.
  ///
  /// A time that they show twice is the earlier instant; one that they skip moves forward by the
  /// gap: both as in `java.time.ZonedDateTime.ofLocal`.
  ///
  /// - Parameter local: the time shown, as milliseconds since 1970-01-01T00:00:00 on that clock.
  public func milliseconds(ofLocal local: Int64) -> Int64 {
    // The last change whose local time, by the offset before it, is not after this one.
    var low = 0
    var high = changes.count
    while low < high {
      let middle = (low + high) / 2
      if changes[middle].milliseconds + offset(before: middle) <= local {
        low = middle + 1
      } else {
        high = middle
      }
    }
    guard low > 0 else { return local - first }
    let before = offset(before: low - 1)
    let change = changes[low - 1]
    // Clocks that went forward: what they skipped is read by the offset before the gap, which is
    // the same as to move it forward.
    if local < change.milliseconds + change.offsetMilliseconds { return local - before }
    return local - change.offsetMilliseconds
  }

  private func offset(before index: Int) -> Int64 {
    index > 0 ? changes[index - 1].offsetMilliseconds : first
  }
}

public import Ratings

/// Which policy applies to each offset of a partition: that of the newest entry at or below it.
public struct PolicySchedule: Hashable, Sendable {
  /// What was written of a policy.
  public enum Recorded: Hashable, Sendable {
    case policy(IntakePolicy)
    /// Of a newer version; why it can't be read.
    case unreadable(String)
  }

  public struct Entry: Hashable, Sendable {
    /// The first offset for which it holds.
    public let from: Int64
    public let recorded: Recorded
  }

  /// What must be written so that others have the same schedule.
  public enum Change: Hashable, Sendable {
    case set(IntakePolicy, from: Int64)
    /// An entry of a topic that was deleted and created again.
    case remove(from: Int64)

    public var offset: Int64 {
      switch self {
      case .set(_, let offset), .remove(let offset): offset
      }
    }
  }

  /// The policy of an offset, and up to where it applies.
  public struct Ruling: Hashable, Sendable {
    public let recorded: Recorded
    /// The first offset for which it may be another.
    public let end: Int64
  }

  /// By their offsets.
  public private(set) var entries: [Entry] = []

  public init() {}

  // MARK: Looking up

  /// What holds for an event that was judged before. Before the first entry there were versions
  /// that wrote none.
  public func ruling(at offset: Int64) -> Ruling {
    let next = index(after: offset)
    return Ruling(
      recorded: next > 0 ? entries[next - 1].recorded : .policy(.earlier),
      end: next < entries.count ? entries[next].from : .max)
  }

  /// The index of the first entry above an offset.
  private func index(after offset: Int64) -> Int {
    var (low, high) = (0, entries.count)
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].from <= offset { low = middle + 1 } else { high = middle }
    }
    return low
  }

  // MARK: Changing

  /// Lets a policy hold from an offset on: that of the first event which is judged by it, and which
  /// no event was judged beyond.
  ///
  /// - Returns: what to write; nothing if it holds there already. Entries beyond the offset are of
  ///   another topic of this name, and go.
  public mutating func begin(_ policy: IntakePolicy, at offset: Int64) -> [Change] {
    let next = index(after: offset)
    var changes = entries[next...].map { Change.remove(from: $0.from) }
    if next == 0 || entries[next - 1].recorded != .policy(policy) {
      changes.append(.set(policy, from: offset))
    }
    for change in changes { apply(change) }
    return changes
  }

  public mutating func apply(_ change: Change) {
    switch change {
    case .set(let policy, let offset): set(.policy(policy), from: offset)
    case .remove(let offset): set(nil, from: offset)
    }
  }

  /// Puts what was read in its place; `nil` removes it.
  public mutating func set(_ recorded: Recorded?, from offset: Int64) {
    let next = index(after: offset)
    let exists = next > 0 && entries[next - 1].from == offset
    let range = exists ? next - 1..<next : next..<next
    entries.replaceSubrange(range, with: recorded.map { [Entry(from: offset, recorded: $0)] } ?? [])
  }
}

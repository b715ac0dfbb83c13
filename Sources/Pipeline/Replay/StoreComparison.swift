public import StateStore
import Streams

/// A byte-for-byte comparison of two stores that should hold the same.
public struct StoreComparison: Sendable {
  /// An entry that differs, or is in one store only.
  public struct Difference: Hashable, Sendable {
    public var table: Table
    public var key: [UInt8]
    /// The values; `nil` where there is no entry.
    public var left: [UInt8]?
    public var right: [UInt8]?
  }

  /// Entries of the left store.
  public private(set) var entries = 0
  /// Entries that differ, or are in one store only.
  public private(set) var differing = 0
  /// The first of them.
  public private(set) var differences: [Difference] = []
  private let shown: Int

  /// - Parameter shown: how many differences to keep.
  public init(shown: Int) {
    self.shown = shown
  }

  /// Compares a table in two snapshots.
  ///
  /// - Parameter progress: called now and then with the number of entries compared so far.
  public mutating func compare<Left: StateSnapshot, Right: StateSnapshot>(
    _ table: Table, _ left: Left, _ right: Right, progress: (Int) -> Void = { _ in }
  ) throws(StoreError) {
    let found = try scan(table, left, right, isLeft: true, progress)
    let count = try Self.count(table, right)
    // If the right store has more entries than were found in it, some are not in the left one.
    if count != found { _ = try scan(table, right, left, isLeft: false, progress) }
  }

  /// - Returns: how many of the keys in `a` are in `b`.
  private mutating func scan<A: StateSnapshot, B: StateSnapshot>(
    _ table: Table, _ a: A, _ b: B, isLeft: Bool, _ progress: (Int) -> Void
  ) throws(StoreError) -> Int {
    var failure: StoreError?
    var found = 0
    let all: [UInt8] = []
    try a.scan(table, prefix: all.span.bytes) { key, value in
      guard Self.isCompared(key, of: table) else { return true }
      do throws(StoreError) {
        let other: Other = try b.get(table, key) { other in
          guard let other else { return .missing }
          return Self.areEqual(value, other, in: table)
            ? .equal : .different([UInt8](copying: other))
        }
        if case .missing = other {} else { found += 1 }
        note(table, key, value, other, isLeft: isLeft)
        if isLeft, entries % 4096 == 0 { progress(entries) }
        return true
      } catch {
        failure = error
        return false
      }
    }
    if let failure { throw failure }
    return found
  }

  private enum Other {
    case equal
    case different([UInt8])
    case missing
  }

  private mutating func note(
    _ table: Table, _ key: RawSpan, _ value: RawSpan, _ other: Other, isLeft: Bool
  ) {
    if isLeft { entries += 1 }
    let otherValue: [UInt8]?
    switch other {
    case .equal: return
    // Counted when seen from the left.
    case .different where !isLeft: return
    case .different(let bytes): otherValue = bytes
    case .missing: otherValue = nil
    }
    differing += 1
    guard differences.count < shown else { return }
    let own = [UInt8](copying: value)
    differences.append(
      Difference(
        table: table, key: [UInt8](copying: key), left: isLeft ? own : otherValue,
        right: isLeft ? otherValue : own))
  }

  /// Of what the engine notes, only the position follows from the log: whose a store is, it does
  /// not compute.
  private static func isCompared(_ key: RawSpan, of table: Table) -> Bool {
    table != .meta || key.withUnsafeBytes { $0.elementsEqual(Position.key) }
  }

  private static func areEqual(_ a: RawSpan, _ b: RawSpan, in table: Table) -> Bool {
    // Stores of an earlier version don't say which record they stand for.
    if table == .meta { return InputPosition.offset(in: a) == InputPosition.offset(in: b) }
    guard a.byteCount == b.byteCount else { return false }
    return a.withUnsafeBytes { a in b.withUnsafeBytes { b in a.elementsEqual(b) } }
  }

  private static func count<Snapshot: StateSnapshot>(_ table: Table, _ snapshot: Snapshot)
    throws(StoreError) -> Int
  {
    var count = 0
    let all: [UInt8] = []
    try snapshot.scan(table, prefix: all.span.bytes) { key, _ in
      if isCompared(key, of: table) { count += 1 }
      return true
    }
    return count
  }
}

import EventLog

/// A stage's consumer group, and what it reads.
struct GroupInputs: Hashable, Sendable {
  var stage: String
  var group: String
  var partitions: [TopicPartition]
}

/// Decides when stages that feed each other have all read everything.
///
/// Offsets of a partition have gaps: a transaction's marker has one, and no record. So a group
/// whose committed offset is below the end may have read all there is; whether records lie between
/// the two is asked of the log (`holdsRecords`).
///
/// A look must ask for all groups' committed offsets first, upstream before downstream, and for the
/// ends after that: what an upstream group had read at its answer is then in the ends downstream. A
/// transaction's markers may arrive a moment after its offsets, though, so only a state that has
/// stood still for a while counts, from its first look on.
struct ZeroLag {
  /// What one look has found.
  struct Look: Equatable {
    /// By group; partitions without a commit are absent.
    var committed: [String: [TopicPartition: Int64]]
    /// First offset kept, and last stable offset.
    var offsets: [TopicPartition: Range<Int64>]
  }

  /// How long the state must stand still.
  static let rest = Duration.milliseconds(300)
  /// A wider gap that still moves is taken to hold records without asking: markers come one by one,
  /// and reading records back would disturb what is measured.
  static let widestMarkerGap = 64

  let groups: [GroupInputs]
  private var last: Look?
  /// When the state of the last look was seen first.
  private var lastChange: ContinuousClock.Instant?
  /// When all had been read for the first time, in a state that has not changed since.
  private(set) var since: ContinuousClock.Instant?

  init(_ groups: [GroupInputs]) {
    self.groups = groups
  }

  /// When offsets have moved last.
  var lastProgress: ContinuousClock.Instant? { lastChange }

  /// Whether all has been read, and nothing has moved for a while.
  func isReached(at now: ContinuousClock.Instant) -> Bool {
    since.map { now - $0 >= Self.rest } ?? false
  }

  /// Takes a look in.
  ///
  /// - Parameter holdsRecords: whether visible records are at these offsets of the partition.
  mutating func note<Failure: Error>(
    _ look: Look, at now: ContinuousClock.Instant,
    holdsRecords: (TopicPartition, Range<Int64>) throws(Failure) -> Bool
  ) throws(Failure) {
    let hasMoved = look != last
    if !hasMoved {
      if since != nil { return }
    } else {
      last = look
      lastChange = now
      since = nil
    }
    for group in groups {
      for partition in group.partitions {
        guard let gap = Self.gap(look, group.group, partition) else { return }
        if gap.isEmpty { continue }
        if hasMoved && gap.count > Self.widestMarkerGap { return }
        if try holdsRecords(partition, gap) { return }
      }
    }
    since = now
  }

  /// Offsets the group has not committed; `nil` for a partition the look does not know.
  static func gap(_ look: Look, _ group: String, _ partition: TopicPartition) -> Range<Int64>? {
    guard let offsets = look.offsets[partition] else { return nil }
    let next = look.committed[group]?[partition] ?? offsets.lowerBound
    return next..<max(next, offsets.upperBound)
  }

  /// Offsets the group has passed, of all its partitions.
  static func passed(_ look: Look, _ group: GroupInputs) -> Int64 {
    group.partitions.reduce(0) { sum, partition in
      guard let start = look.offsets[partition]?.lowerBound,
        let committed = look.committed[group.group]?[partition]
      else { return sum }
      return sum + max(0, committed - start)
    }
  }
}

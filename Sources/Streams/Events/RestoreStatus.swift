/// A restore under way.
public struct RestoreStatus: Hashable, Sendable {
  public var changelog: String
  /// How many partitions are restored together.
  public var partitions: Int
  /// Changelog offsets passed, of all partitions; transaction markers count.
  public var applied: Int64
  /// How many there are.
  public var total: Int64
  /// Since the restore began; zero in its first event.
  public var elapsed: Duration

  public init(
    changelog: String, partitions: Int, applied: Int64, total: Int64, elapsed: Duration
  ) {
    self.changelog = changelog
    self.partitions = partitions
    self.applied = applied
    self.total = total
    self.elapsed = elapsed
  }

  /// Of 100; 100 for an empty changelog.
  public var percent: Int { total > 0 ? Int(100 * applied / total) : 100 }

  /// Offsets per second; `nil` before any time has passed.
  public var rate: Double? { elapsed > .zero ? Double(applied) / elapsed.seconds : nil }

  /// `nil` while nothing was applied.
  public var timeLeft: Duration? {
    guard let rate, rate > 0 else { return nil }
    return .seconds(Double(total - applied) / rate)
  }
}

/// A restore that has reached the end.
public struct RestoreSummary: Hashable, Sendable {
  public var changelog: String
  public var partitions: Int
  /// Changelog records applied.
  public var records: Int
  public var duration: Duration

  public init(changelog: String, partitions: Int, records: Int, duration: Duration) {
    self.changelog = changelog
    self.partitions = partitions
    self.records = records
    self.duration = duration
  }
}

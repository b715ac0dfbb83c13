/// When a batch closes.
public struct BatchLimits: Hashable, Sendable {
  /// The most records in a batch.
  public var records: Int
  /// The most bytes of keys and values consumed in a batch.
  public var bytes: Int
  /// The longest a batch stays open.
  public var time: Duration
  /// A batch with fewer records than this closes as soon as the input runs dry, for latency. One
  /// with more waits while the stages before it have a backlog, because a large batch does less
  /// work per event; where that is not known, it waits for `pause` if its records came in a flood.
  public var busyRecords: Int
  /// How long the flood may pause before the batch closes: about as long as a stage before this one
  /// takes to commit.
  public var pause: Duration
  /// How long a small batch stays open although its input is dry. A stage nobody waits for commits
  /// less often, which leaves the machine to those that somebody waits for.
  public var linger: Duration

  public init(
    records: Int = 300_000, bytes: Int = 64 << 20, time: Duration = .seconds(4),
    busyRecords: Int = 1_000, pause: Duration = .milliseconds(250), linger: Duration = .zero
  ) {
    self.records = records
    self.bytes = bytes
    self.time = time
    self.busyRecords = busyRecords
    self.pause = pause
    self.linger = linger
  }

  /// Limits for a stage that only holds, and writes, the newest record of each key: the larger its
  /// batches under load, the fewer its writes.
  public func stretched(by factor: Int) -> BatchLimits {
    BatchLimits(
      records: records * factor, bytes: bytes * factor, time: time * factor,
      busyRecords: busyRecords, pause: pause * factor, linger: linger)
  }

  /// Whether a batch that stands like this must close now.
  ///
  /// - Parameters:
  ///   - dry: how long the input has brought nothing; `nil` while it brings records.
  ///   - sinceFlood: how long ago records last came in a flood.
  ///   - backlog: whether the stages before this one have a backlog; `nil` where that is not known.
  func closes(
    records: Int, bytes: Int, age: Duration, dry: Duration?, sinceFlood: Duration,
    backlog: @autoclosure () -> Bool?
  ) -> Bool {
    if records >= self.records || bytes >= self.bytes { return true }
    return patience(
      records: records, age: age, dry: dry, sinceFlood: sinceFlood, backlog: backlog()) <= .zero
  }

  /// How long a batch that stands like this may wait for more before it must close.
  func patience(
    records: Int, age: Duration, dry: Duration?, sinceFlood: Duration,
    backlog: @autoclosure () -> Bool?
  ) -> Duration {
    guard let dry else {
      // Records that come one by one all the time keep no small batch open.
      return records < busyRecords && linger > .zero ? min(linger, time) - age : time - age
    }
    let whenDry: Duration =
      if records < busyRecords {
        min(linger - age, pause - dry)
      } else {
        switch backlog() {
        case true?: time
        // What they wrote last may be on its way.
        case false?: min(pause / 10 - dry, pause - sinceFlood)
        case nil: pause - sinceFlood
        }
      }
    return min(whenDry, time - age)
  }

  /// Records within one `pause` that are a flood: a stage that catches up brings far more, and one
  /// that keeps up far less, so that a backlog does not leave large, late batches behind.
  var floodRecords: Int { 10 * busyRecords }
}

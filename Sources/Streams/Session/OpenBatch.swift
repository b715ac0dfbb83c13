import EventLog

/// A session's batch: what is in it, and when it closes.
struct OpenBatch {
  private let limits: BatchLimits
  private var cap: BatchCap
  private(set) var state = BatchState.idle
  /// Input records processed in it.
  private(set) var records = 0
  /// Bytes of their keys and values.
  private(set) var bytes = 0
  /// The same by input topic, numbered as `StageConfiguration.inputs`.
  private(set) var inputs: [TopicTally]
  /// When they happened.
  private(set) var times = TimeTally()
  private var opened: ContinuousClock.Instant
  private var arrivals: ArrivalMeter
  /// Whether large batches have left memory to release.
  private var owesMemory = false

  /// - Parameters:
  ///   - cap: that batches before have left.
  ///   - inputs: the input topics.
  init(
    _ limits: BatchLimits, cap: BatchCap = BatchCap(), inputs: [String] = [],
    at now: ContinuousClock.Instant
  ) {
    self.limits = limits
    self.cap = cap
    self.inputs = inputs.map { TopicTally(topic: $0) }
    opened = now
    arrivals = ArrivalMeter(limits, now: now)
  }

  var isOpen: Bool { state == .open }
  /// Whether it has so few records that latency matters more than throughput.
  var isSmall: Bool { records < limits.busyRecords }
  /// How many records it may still take.
  var room: Int { max(1, mostRecords - records) }
  private var mostRecords: Int { cap.applied(to: limits.records) }

  func age(at now: ContinuousClock.Instant) -> Duration { now - opened }

  // MARK: What is in it

  mutating func open(at now: ContinuousClock.Instant) {
    state.move(to: .open)
    opened = now
  }

  /// Adds a run of records.
  ///
  /// - Parameter keepsTimes: whether somebody will ask how old they are.
  mutating func add(_ run: borrowing RecordRun, keepsTimes: Bool) {
    let bytes = run.byteCount
    add(records: run.count, bytes: bytes)
    inputs[run.topic].add(records: run.count, bytes: bytes)
    if keepsTimes { times.note(run) }
  }

  mutating func add(records count: Int, bytes added: Int) {
    records += count
    bytes += added
  }

  /// Counts the records that a poll added to the open batch.
  mutating func arrived(_ count: Int, at now: ContinuousClock.Instant) {
    arrivals.count(count, at: now)
  }

  // MARK: When it closes

  /// Whether it must close now.
  ///
  /// - Parameters:
  ///   - isDry: whether the last poll brought nothing.
  ///   - backlog: whether the stages before this one have a backlog; `nil` where that is not known.
  func closes(
    at now: ContinuousClock.Instant, isDry: Bool, backlog: @autoclosure () -> Bool?
  ) -> Bool {
    records >= mostRecords
      || limits.closes(
        records: records, bytes: bytes, age: age(at: now),
        dry: isDry ? now - arrivals.lastArrival : nil, sinceFlood: now - arrivals.lastFlood,
        backlog: backlog())
  }

  /// How long it may wait for more records before it must close.
  func patience(at now: ContinuousClock.Instant, backlog: @autoclosure () -> Bool?) -> Duration {
    limits.patience(
      records: records, age: age(at: now), dry: now - arrivals.lastArrival,
      sinceFlood: now - arrivals.lastFlood, backlog: backlog())
  }

  // MARK: Its end

  mutating func beginCommit() { state.move(to: .committing) }

  /// Ends a committed batch.
  ///
  /// - Returns: whether it follows large batches, whose memory can be released now.
  mutating func finish() -> Bool {
    cap.noteCommit(limit: limits.records)
    let releasesMemory = owesMemory && isSmall
    if records >= limits.floodRecords {
      owesMemory = true
    } else if isSmall {
      owesMemory = false
    }
    end()
    return releasesMemory
  }

  /// Drops the batch because it has failed.
  mutating func fail() {
    cap = capAfterwards
    discard()
  }

  /// What the next batches keep to. A batch that is still open when its session ends has failed.
  var capAfterwards: BatchCap {
    var cap = cap
    if state != .idle { cap.noteFailure(records: records) }
    return cap
  }

  /// Drops the batch, if there is one.
  mutating func discard() {
    if state != .idle { end() }
  }

  private mutating func end() {
    state.move(to: .idle)
    records = 0
    bytes = 0
    for index in inputs.indices { (inputs[index].records, inputs[index].bytes) = (0, 0) }
    times.removeAll()
  }
}

/// The status of all stages of a process: the fold of their events.
public struct StatusBoard: Hashable, Sendable {
  /// One thread of one stage.
  public struct Entry: Hashable, Sendable {
    public var worker: Int?
    public var status: StageStatus

    public init(worker: Int? = nil, _ status: StageStatus) {
      self.worker = worker
      self.status = status
    }
  }

  public private(set) var entries: [Entry]

  /// - Parameter entries: threads that are listed before their first event.
  public init(_ entries: [Entry] = []) {
    self.entries = entries
  }

  /// A board with one stage that has not started.
  ///
  /// - Parameter workers: how many threads it has; `nil` for one without a number.
  public init(stage: String, workers: Int? = nil) {
    let numbers: [Int?] = if let workers { (0..<workers).map(\.self) } else { [nil] }
    entries = numbers.map { Entry(worker: $0, StageStatus(stage: stage)) }
  }

  public mutating func apply(_ event: EngineEvent) {
    guard event.role == .stage else { return }
    let index = entries.firstIndex {
      $0.status.stage == event.stage && $0.worker == event.worker
    }
    if let index { return entries[index].status.apply(event) }
    entries.append(Entry(worker: event.worker, StageStatus(stage: event.stage)))
    entries[entries.count - 1].status.apply(event)
  }

  /// Whether all stages run; not for a board without stages.
  public var isRunning: Bool {
    !entries.isEmpty && entries.allSatisfy { $0.status.phase == .running }
  }

  /// The stages in the order of their first entries, each the sum of its threads.
  public var stages: [StageStatus] {
    var names: [String] = []
    for entry in entries where !names.contains(entry.status.stage) {
      names.append(entry.status.stage)
    }
    return names.map(status)
  }

  /// A stage as the sum of its threads; a stage that is not on the board has not started.
  public func status(of stage: String) -> StageStatus {
    StageStatus(stage: stage, merging: entries.map(\.status).filter { $0.stage == stage })
  }
}

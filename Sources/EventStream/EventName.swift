import Streams

/// What the format calls each kind of event.
enum EventName: String, CaseIterable {
  case joining, assigned
  case partitionsUnused = "partitions_unused"
  case processing, revoked, lost
  case fencingPredecessor = "fencing_predecessor"
  case disownFailed = "disown_failed"
  case fenced, rejoining
  case storeOpened = "store_opened"
  case storeRebuilt = "store_rebuilt"
  case storeRefused = "store_refused"
  case storeAdopted = "store_adopted"
  case restoring, restored
  case upgrading, upgraded
  case notUpgraded = "not_upgraded"
  case standbyOpened = "standby_opened"
  case standbyFailed = "standby_failed"
  case batchCommitted = "batch_committed"
  case batchAborted = "batch_aborted"
  case positions, waiting, resumed
  case offsetsDiffer = "offsets_differ"
  case foreignOffset = "foreign_offset"
  case retentionGuard = "retention_guard"
  case policyChanged = "policy_changed"
  case eventsRefused = "events_refused"
  case eventsAccepted = "events_accepted"
  case modelsChanged = "models_changed"
  case hitsCounted = "hits_counted"
  case stopped

  init(_ kind: EngineEvent.Kind) {
    self =
      switch kind {
      case .joining: .joining
      case .assigned: .assigned
      case .partitionsUnused: .partitionsUnused
      case .processing: .processing
      case .revoked: .revoked
      case .lost: .lost
      case .fencingPredecessor: .fencingPredecessor
      case .disownFailed: .disownFailed
      case .fenced: .fenced
      case .rejoining: .rejoining
      case .storeOpened: .storeOpened
      case .storeRebuilt: .storeRebuilt
      case .storeRefused: .storeRefused
      case .storeAdopted: .storeAdopted
      case .restoring: .restoring
      case .restored: .restored
      case .upgrading: .upgrading
      case .upgraded: .upgraded
      case .notUpgraded: .notUpgraded
      case .standbyOpened: .standbyOpened
      case .standbyFailed: .standbyFailed
      case .batchCommitted: .batchCommitted
      case .batchAborted: .batchAborted
      case .positions: .positions
      case .waiting: .waiting
      case .resumed: .resumed
      case .offsetsDiffer: .offsetsDiffer
      case .foreignOffset: .foreignOffset
      case .retentionGuard: .retentionGuard
      case .policyChanged: .policyChanged
      case .eventsRefused: .eventsRefused
      case .eventsAccepted: .eventsAccepted
      case .modelsChanged: .modelsChanged
      case .hitsCounted: .hitsCounted
      case .stopped: .stopped
      }
  }
}

extension EventName {
  private static let ofBatches = [batchCommitted, positions].map {
    Array("\"event\":\"\($0.rawValue)\"".utf8)
  }

  /// Whether a line is an event that comes with each batch. The name stands near the line's start.
  static func isOfBatch(_ line: [UInt8]) -> Bool {
    let start = line.prefix(200)
    return ofBatches.contains { start.firstRange(of: $0) != nil }
  }
}

/// What the format calls each event of the daemon.
enum DaemonEventName: String, CaseIterable {
  case starting = "daemon_starting"
  case ready = "daemon_ready"

  init(_ event: DaemonEvent) {
    self =
      switch event {
      case .starting: .starting
      case .ready: .ready
      }
  }
}

/// What the format calls each phase of a stage.
enum PhaseName: String, CaseIterable {
  case starting, joining, restoring, running, waiting, stopped

  init(_ phase: StageStatus.Phase) {
    self =
      switch phase {
      case .starting: .starting
      case .joining: .joining
      case .restoring: .restoring
      case .running: .running
      case .waiting: .waiting
      case .stopped: .stopped
      }
  }
}

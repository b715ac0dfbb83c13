import Streams

/// What the format calls each kind of event.
enum EventName: String, CaseIterable {
  case joining, assigned, processing, revoked, lost
  case fencingPredecessor = "fencing_predecessor"
  case disownFailed = "disown_failed"
  case fenced, rejoining
  case storeOpened = "store_opened"
  case storeRebuilt = "store_rebuilt"
  case storeRefused = "store_refused"
  case restoring, restored
  case standbyOpened = "standby_opened"
  case standbyFailed = "standby_failed"
  case batchCommitted = "batch_committed"
  case batchAborted = "batch_aborted"
  case positions, waiting, resumed
  case offsetsDiffer = "offsets_differ"
  case retentionGuard = "retention_guard"
  case stopped

  init(_ kind: EngineEvent.Kind) {
    self =
      switch kind {
      case .joining: .joining
      case .assigned: .assigned
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
      case .restoring: .restoring
      case .restored: .restored
      case .standbyOpened: .standbyOpened
      case .standbyFailed: .standbyFailed
      case .batchCommitted: .batchCommitted
      case .batchAborted: .batchAborted
      case .positions: .positions
      case .waiting: .waiting
      case .resumed: .resumed
      case .offsetsDiffer: .offsetsDiffer
      case .retentionGuard: .retentionGuard
      case .stopped: .stopped
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

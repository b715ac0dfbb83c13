import Configuration
package import Console
package import EventLog
import LMDBStore
import Pipeline
package import RedisProjection
import StateStore
import Streams

extension ExitStatus {
  /// What an error that ends a command stands for; `nil` for one that isn't ours.
  package init?(of error: any Error) {
    switch error {
    case let error as CommandFailure: self = error.status
    case is ConfigurationError: self = .configuration
    case let error as LogError: self.init(of: error)
    case is StoreError: self = .failure
    case StageError.log(let error), ExplanationError.log(let error),
      ReplayError.stage(.log(let error)):
      self.init(of: error)
    case is ExplanationError, is ReplayError: self = .failure
    case StageError.failed(let reason, _) where reason.code == .topicsOwned: self = .topicsDiffer
    case StageError.failed(let reason, _) where reason.code == .instanceInUse:
      self = .alreadyRunning
    case StageError.failed(let reason, _) where Self.disagreements.contains(reason.code):
      self = .stateDiffers
    case is StageError: self = .failure
    case let error as RootLockError:
      if case .held = error { self = .alreadyRunning } else { self = .failure }
    case let error as RedisError: self.init(of: error.condition)
    default: return nil
    }
  }

  /// Those that `check` finds, which has the same code for them.
  private static let disagreements: Set<Reason.Code> = [
    .foreignOffset, .storeOfAnotherLog, .topicRecreated, .offsetBelowLogStart, .offsetBeyondLogEnd,
  ]

  package init(of condition: RedisCondition) {
    self =
      switch condition.remedy {
      case .server: .unavailable
      case .rights: .denied
      case .configuration: .configuration
      case .content: .failure
      }
  }

  package init(of error: LogError) {
    self =
      switch error.code {
      case .unavailable: .unavailable
      case .denied: .denied
      case .configuration: .configuration
      default: .failure
      }
  }
}

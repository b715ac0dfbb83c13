import EventLog
import LMDBStore
import RedisProjection
import StateStore
import Streams

/// What the process's exit code says; numbers from 64 on follow sysexits.h.
enum ExitStatus: Int32, CaseIterable, Sendable {
  case success = 0
  case failure = 1
  case topicsDiffer = 2
  case stateDiffers = 3
  case usage = 64
  case unavailable = 69
  case internalError = 70
  case alreadyRunning = 75
  case denied = 77
  case configuration = 78

  var meaning: String {
    switch self {
    case .success: "done; for a daemon: stopped as asked, everything committed"
    case .failure: "failed for a reason that is none of the following"
    case .topicsDiffer: "topics are missing, or not as declared"
    case .stateDiffers: "state, log and Redis do not agree, or it can't be told yet"
    case .usage: "the command line is wrong"
    case .unavailable: "Kafka or Redis can't be reached"
    case .internalError: "a bug of this program"
    case .alreadyRunning: "another instance uses the state directory"
    case .denied: "credentials or rights are missing"
    case .configuration: "the configuration is wrong"
    }
  }

  /// What an error that ends a command stands for; `nil` for one that isn't ours.
  init?(of error: any Error) {
    switch error {
    case let error as CommandFailure: self = error.status
    case is ConfigurationError: self = .configuration
    case let error as LogError: self.init(of: error)
    case is StoreError: self = .failure
    case StageError.log(let error): self.init(of: error)
    case is StageError: self = .failure
    case let error as RootLockError:
      if case .held = error { self = .alreadyRunning } else { self = .failure }
    case let error as RedisError: self = error.isTransient ? .unavailable : .failure
    default: return nil
    }
  }

  init(of error: LogError) {
    self =
      switch error.code {
      case .unavailable: .unavailable
      case .denied: .denied
      case .configuration: .configuration
      default: .failure
      }
  }
}

/// Why a command can't do what it was asked to.
struct CommandFailure: Error, Hashable, CustomStringConvertible {
  var status: ExitStatus
  /// What is wrong and what to do about it.
  var message: String

  init(_ status: ExitStatus, _ message: String) {
    self.status = status
    self.message = message
  }

  var description: String { message }
}

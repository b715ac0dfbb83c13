/// What the process's exit code says; numbers from 64 on follow sysexits.h.
package enum ExitStatus: Int32, CaseIterable, Sendable {
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

  package var meaning: String {
    switch self {
    case .success: "done; for a daemon: stopped as asked, everything committed"
    case .failure: "failed for a reason that is none of the following"
    case .topicsDiffer: "topics are missing, not as declared, or another application's"
    case .stateDiffers: "state, log or Redis disagree, or can't be compared yet"
    case .usage: "the command line is wrong"
    case .unavailable: "Kafka, Redis or the daemon does not answer, or takes nothing for now"
    case .internalError: "a bug of this program"
    case .alreadyRunning: "another process uses the state directory, or has the same instance name"
    case .denied: "credentials or rights are missing"
    case .configuration: "the configuration is wrong"
    }
  }
}

/// Why a command can't do what it was asked to.
package struct CommandFailure: Error, Hashable, CustomStringConvertible {
  package var status: ExitStatus
  /// What is wrong and what to do about it.
  package var message: String

  package init(_ status: ExitStatus, _ message: String) {
    self.status = status
    self.message = message
  }

  package var description: String { message }
}

import Configuration
import Pipeline
import Streams

/// How each stage paces its work, so that latency goes to what somebody waits for: when its batches
/// close, how long the broker gathers what it fetches, and who gives way when the machine is busy.
extension Settings {
  func limits(of stage: StageName) -> BatchLimits {
    var limits = processing.limits
    let isTransactional = processing.guarantee == .exactlyOnce
    switch stage {
    // Both send what an event leads to at once. Without transactions everyone sees it then, and a
    // batch is only what is acknowledged together; predict reads what the user stage has committed.
    case .intake: limits.lingerAtLeast(isTransactional ? .zero : .milliseconds(100))
    case .user: limits.lingerAtLeast(isTransactional ? .zero : .milliseconds(20))
    // A movie's features change a little with each rating; a user waits for their own.
    case .movie: limits.lingerAtLeast(.milliseconds(250))
    // Writes the newest row of each key only: larger batches are fewer writes.
    case .redis:
      limits = limits.stretched(by: 3)
      limits.lingerAtLeast(.milliseconds(2))
    case .predict: limits.records = predict.maxBatch
    }
    return limits
  }

  /// Each answer to a fetch costs the broker as much as the request for it, whatever it brings.
  func gathering(of stage: StageName) -> Duration? {
    switch stage {
    // A batch is a transaction, of which the broker works off a hundred or two a second: those that
    // come more often only wait for each other, and the events of all of them wait with them.
    case .intake: processing.guarantee == .exactlyOnce ? .milliseconds(12) : nil
    case .movie: .milliseconds(100)
    case .redis: .milliseconds(5)
    case .user, .predict: nil
    }
  }
}

extension StageName {
  /// Under load answers come first: a request is waited for, and a rating a little later is not lost.
  /// And what has come in is worked off before more comes in.
  var niceness: Int32 {
    switch self {
    case .predict: 0
    case .user, .movie, .redis: 5
    case .intake: 10
    }
  }
}

extension BatchLimits {
  fileprivate mutating func lingerAtLeast(_ least: Duration) { linger = max(linger, least) }
}

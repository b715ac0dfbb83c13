package import Configuration
import Console
package import EventLog
import Pipeline
import RedisProjection
import Streams

/// What a failure that ends a command says: where it happened, why, and what to do.
package enum FailureText {
  /// - Parameter settings: those in force; `nil` if they could not be read.
  package static func of(_ error: any Error, _ settings: Settings?) -> String {
    guard let settings else { return "\(error)" }
    if let failure = logError(in: error) {
      return "\(settings.place(of: failure)) → \(settings.advice(for: failure))"
    }
    if let failure = error as? RedisError {
      return "\(failure.summary) → \(failure.condition.advice)"
    }
    return "\(error)"
  }

  /// Kafka's failure behind an error, if it is one.
  private static func logError(in error: any Error) -> LogError? {
    switch error {
    case let error as LogError: error
    case StageError.log(let error): error
    case ExplanationError.log(let error): error
    case ReplayError.stage(.log(let error)): error
    default: nil
    }
  }
}

extension Settings {
  /// The failure with the address where it happened, unless it names one.
  fileprivate func place(of error: LogError) -> String {
    let servers = bootstrapServers
    return error.message.contains(servers) ? error.message : "Kafka at \(servers): \(error.message)"
  }

  /// What to do about a failed question to Kafka.
  package func advice(for error: LogError) -> String {
    if let advice = error.advice { return advice }
    return switch error.code {
    case .denied:
      "check kafka.security.protocol, the kafka.sasl.* keys, and this client's rights"
    case .configuration: "correct the kafka.* key it names"
    case .unknownTopic: "`projectionist topics check` names the topics that are missing"
    default: "check kafka.bootstrap.servers (\(bootstrapServers)), and that Kafka runs"
    }
  }
}

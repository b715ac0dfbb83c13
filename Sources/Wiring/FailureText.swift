package import Configuration
import Console
package import EventLog
import KafkaLog
import Logging
import Pipeline
import RedisProjection
import Streams

/// What a failure that ends a command says: where it happened, why, and what to do.
package enum FailureText {
  /// - Parameters:
  ///   - settings: those in force; `nil` if they could not be read.
  ///   - obstacle: looks for what keeps clients from brokers that seem to be away.
  package static func of(
    _ error: any Error, _ settings: Settings?,
    obstacle: (Settings) -> LogError? = Self.unreachableBrokers
  ) -> String {
    guard let settings else { return "\(error)" }
    if var failure = logError(in: error) {
      if failure.code == .unavailable, failure.advice == nil {
        failure = obstacle(settings) ?? failure
      }
      return "\(settings.place(of: failure)) → \(settings.advice(for: failure))"
    }
    if let failure = error as? RedisError {
      return "\(failure.summary) → \(failure.condition.advice)"
    }
    return "\(error)"
  }

  /// A client knows of a timeout, and not of whom it has waited for: brokers that a bootstrap
  /// server advertises, or a coordinator that can't start.
  package static func unreachableBrokers(_ settings: Settings) -> LogError? {
    let logger = Logger(label: "projectionist")
    if let obstacle = AdvertisedBrokers(settings.kafkaSettings, logger).obstacle() {
      return obstacle
    }
    return try? settings.makeAdmin(logger)
      .obstacle(to: .transactions, settings.kafkaSettings.tools)
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

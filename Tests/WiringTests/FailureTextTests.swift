import Configuration
import Console
import EventLog
import Pipeline
import RedisProjection
import Streams
import Testing

@testable import Wiring

@Suite struct FailureTextTests {
  private static let down = LogError(
    .unavailable, "no Kafka broker answers: Local: Broker transport failure", reaction: .retry)

  @Test(
    arguments: [
      down, StageError.log(down), ExplanationError.log(down), ReplayError.stage(.log(down)),
    ] as [any Error])
  func aBrokerThatIsAwayHasAnAddressAReasonAndAdvice(_ error: any Error) {
    var settings = Settings()
    settings.bootstrapServers = "nowhere:9092"
    #expect(
      FailureText.of(error, settings) { _ in nil }
        == "Kafka at nowhere:9092: no Kafka broker answers: Local: Broker transport failure → check"
        + " kafka.bootstrap.servers (nowhere:9092), and that Kafka runs")
    #expect(ExitStatus(of: error) == .unavailable)
  }

  @Test func whoeverIsWaitedForIsNamed() {
    let obstacle = LogError(.unavailable, "the cluster advertises kafka-1:9092", reaction: .retry)
      .advised("set advertised.listeners")
    #expect(
      FailureText.of(Self.down, Settings()) { _ in obstacle }
        == "Kafka at 127.0.0.1:9092: the cluster advertises kafka-1:9092 → set advertised.listeners"
    )
    // What already says what to do is not looked into.
    #expect(
      FailureText.of(Self.down.advised("wait"), Settings()) { _ in obstacle }.contains("wait"))
    let denied = LogError(.denied, "no", reaction: .stopDaemon)
    #expect(!FailureText.of(denied, Settings()) { _ in obstacle }.contains("kafka-1"))
  }

  @Test func redisNamesItsKeys() {
    let error = RedisError(.unreachable, at: "Redis at 127.0.0.1:1", "Connection refused")
    let text = FailureText.of(error, Settings())
    #expect(text.hasPrefix("Redis at 127.0.0.1:1 "))
    #expect(text.contains("Connection refused) → ") && text.contains("redis.host"))
  }

  @Test func withoutSettingsTheErrorSpeaksForItself() {
    #expect(FailureText.of(Self.down, nil) == Self.down.message)
  }
}

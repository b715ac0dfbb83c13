import EventLog
import KafkaLog
import Pipeline
import Streams

/// What to do about what `state verify` has found.
extension VerifyReport {
  /// Names a remedy for each kind of difference, once everything is compared.
  ///
  /// - Parameters:
  ///   - store: the directory of the partition's store; `nil` without one.
  ///   - recomputation: how the stage's features are computed once more.
  mutating func nameRemedies(store: String?, recomputation: String) {
    remedies = []
    if let store, problem != nil || differingEntries > 0 {
      remedies.append(
        "stop the daemon, delete \(store) and start it again: the store is rebuilt from its"
          + " changelog. If it differs again, the changelog is wrong: choose another application"
          + " name, hand it the topics for good with `projectionist topics claim --take-over`, and"
          + " start it: it computes everything from \(TopicDeclaration.userRatings.name)")
    } else if problem != nil {
      remedies.append(
        "run this command on the machine whose daemon owns the partition, or start a daemon here")
    }
    if redisProblem != nil {
      remedies.append(
        "the log of the daemon with the redis stage says what it waits for; --wait gives it more"
          + " time, and `projectionist redis stat` tells whose the project is")
    }
    remedies += RedisOutcome.remedies(
      rows: differingRows ?? 0, unreplaced: (leftOverRows ?? 0) + (fencedRows ?? 0))
    if missingRows ?? 0 > 0 {
      remedies.append(
        "if rows are missing even then, the topic of the features has lost them: \(recomputation)")
    }
  }
}

extension ReplayError {
  /// What to do when the state can't be computed again: the store may be right.
  var remedy: String {
    switch self {
    case .stage:
      "run this command again; if it fails again, the daemon's log may say more"
    case .logBegins(let source, _):
      "what \(source.topic) has lost can't be compared any more. All topics that stages read must"
        + " keep their records for ever: `projectionist topics check` tells which do not"
    case .logEnds:
      "start the daemon: it stops, and says how to go on with the new topic"
    }
  }
}

extension VerdictReport {
  /// - Parameters:
  ///   - group: of the intake stage.
  ///   - topic: of the events.
  mutating func nameRemedy(group: String, topic: String, _ tools: KafkaTools) {
    guard missingEvents > 0 else { return }
    remedy =
      "stop every instance, wait 10 s, and read them again: "
      + tools.command("kafka-consumer-groups") + " --group \(group) --topic \(topic)"
      + " --reset-offsets --to-earliest --execute. What is known already changes nothing"
  }
}

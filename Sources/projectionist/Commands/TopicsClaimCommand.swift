import ArgumentParser
import Configuration
import Console
import Foundation
import KafkaLog
import Pipeline
import Streams
import Wiring

/// `projectionist topics claim`
struct TopicsClaimCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "claim",
    abstract: "Claim the topics for the configured application.",
    discussion: """
      Topics belong to one application; the first `projectionist run` claims them for its own. \
      Exits with 2 when they belong to another, unless they are to be taken over: then the daemons \
      of the other application stop within some seconds, and the topics are as they left them. \
      The application that takes over starts with groups and state of its own: it reads all of \
      user-ratings again.

      The claim also says among how many partitions keys are placed. Where they hold no keys, because \
      they are new, this command makes that what topics.partitions and topics.movie_partitions say; \
      daemons that use other numbers stop.

      --json prints outcome (held, claimed, taken_over or recounted), application, instance, \
      claimed_at_ms, partitions and previous_application.
      """)

  @OptionGroup var common: CommonOptions
  @Flag(help: "Claim them even if they belong to another application.") var takeOver = false
  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    let (settings, logger) = try common.start("topics")
    // The admin client gives up sooner, so an unreachable broker is reported at once.
    let topic = settings.topology[.control]
    let admin = try settings.makeAdmin(logger)
    guard try admin.hasTopic(topic) else {
      throw CommandFailure(
        .topicsDiffer, "there is no topic \(topic): create it with `projectionist topics apply`")
    }
    // The claim would wait for them.
    if let obstacle = admin.obstacle(to: .transactions, settings.kafkaSettings.tools) {
      throw obstacle
    }
    let partitions = try admin.topics()
    let counts =
      try admin.cluster().isEmbedded
      ? settings.partitionCounts : settings.placedCounts(partitions, admin, logger)
    let outcome = try TopicOwners(settings, logger).claim(
      instance: "", counts: counts, takesOver: takeOver, recounts: true)
    let output = TopicsClaimOutput(outcome)
    print(json ? try JSONText.of(output) : output.text)
  }
}

/// What `topics claim` prints.
struct TopicsClaimOutput: Encodable {
  enum Outcome: String, Encodable {
    case held
    case claimed
    case takenOver = "taken_over"
    case recounted
  }

  var outcome: Outcome
  var application: String
  var instance: String
  var claimedMilliseconds: Int64
  /// How many are used, by setting.
  var partitions: [String: Int32]
  var previousApplication: String?

  private enum CodingKeys: String, CodingKey {
    case outcome, application, instance, partitions
    case claimedMilliseconds = "claimed_at_ms"
    case previousApplication = "previous_application"
  }

  init(_ result: TopicOwnership<KafkaLog>.Outcome) {
    application = result.claim.application
    instance = result.claim.instance
    claimedMilliseconds = result.claim.claimedMilliseconds
    partitions = result.claim.counts.byGroup
    switch result {
    case .held: outcome = .held
    case .claimed(_, nil): outcome = .claimed
    case .claimed(let claim, let before?) where claim.application == before.application:
      outcome = .recounted
    case .claimed(_, let before?):
      outcome = .takenOver
      previousApplication = before.application
    }
  }

  /// One sentence.
  var text: String {
    let time = Date(timeIntervalSince1970: Double(claimedMilliseconds) / 1000).formatted(.iso8601)
    return switch outcome {
    case .held: "the topics have belonged to \(application) since \(time)"
    case .claimed: "the topics belong to \(application) from now on"
    case .recounted:
      "keys are placed among these numbers of partitions from now on: "
        + partitions.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        .joined(separator: ", ")
    case .takenOver:
      "the topics belong to \(application) from now on, and no longer to"
        + " \(previousApplication ?? "")"
    }
  }
}

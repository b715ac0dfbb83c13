package import Configuration
import Console
import EventLog
import Foundation
import KafkaLog
package import Logging
import Pipeline
package import Streams
import Wiring

/// Where a stage goes on after its offsets were settled.
package struct SettledOffset: Encodable, Hashable, Sendable {
  package var topic: String
  package var partition: Int32
  /// `nil` where the stage's state knows.
  package var offset: Int64?

  init(_ source: TopicPartition, _ offset: Int64?) {
    topic = source.topic
    partition = source.partition
    self.offset = offset
  }
}

/// The offsets of a stage's group: what they are, and what an operator can do when somebody else
/// has set them.
package struct StageOffsets {
  /// How long the group may take to lose its members: the session timeout, and some more.
  private static let patience = Duration.seconds(30)

  let stage: StageDeclaration
  private let settings: Settings
  private let log: KafkaLog
  private let admin: KafkaAdmin

  package init(_ stage: StageDeclaration, _ settings: Settings, _ logger: Logger) throws {
    self.stage = stage
    self.settings = settings
    var quiet = logger
    if quiet.logLevel < .warning { quiet.logLevel = .warning }
    log = KafkaLog(settings: settings.kafkaSettings, logger: quiet)
    admin = try settings.makeAdmin(logger)
  }

  private var topology: Topology { settings.topology }
  package var group: String { topology.group(of: stage) }

  /// The stages whose groups can be moved.
  package static let movable = Topology.product.filter(\.recordsPositions)

  // MARK: Asking

  package func reports() throws -> [OffsetReport] {
    let topics = topology.inputs(of: stage)
    let counts = try admin.topics()
    var sources: [TopicPartition] = []
    for topic in topics {
      guard try admin.hasTopic(topic), let count = counts[topic] else {
        throw CommandFailure(
          .topicsDiffer, "there is no topic \(topic): see `projectionist topics check`")
      }
      sources += (0..<count).map { TopicPartition(topic, $0) }
    }
    let commits = try admin.commits(group: group, of: sources)
    // A transaction that is open holds its end back for readers of committed records.
    let held = try log.makeAdmin(clientID: "projectionist-offsets", readCommitted: false)
      .offsets(of: sources)
    let recorded = try recordedPositions(counts)
    let identity = topology.identity(of: stage, instance: "")
    let undecided = sources.filter { commits[$0]?.stamp != .accepted }
    let losses = try losses(undecided, recorded, counts[topics[0]] ?? 0)
    return sources.map { source in
      let own = recorded[source.partition]
      let held = held[source] ?? 0..<0
      // A partition that the stage has not read yet while it has read others.
      let beginning = recorded.isEmpty ? nil : held.lowerBound
      return OffsetReport(
        source: source, committed: commits[source], own: own?.nextOffset ?? beginning, held: held,
        loss: losses[source], hasRecord: own != nil, identity: identity)
    }
  }

  /// How each partition is not the one that was read, in words. A topic is made again as a whole,
  /// though some of its partitions may have outgrown where the stage stands, and been read on.
  ///
  /// - Parameters:
  ///   - sources: those whose topic nobody has accepted.
  ///   - count: how many partitions the topic has.
  private func losses(
    _ sources: [TopicPartition], _ recorded: [Int32: RecordedPosition], _ count: Int32
  ) throws -> [TopicPartition: String] {
    let gone = recorded.keys.filter { $0 >= count }.sorted()
    guard gone.isEmpty else {
      let names = gone.map { "\($0)" }.joined(separator: ", ")
      let loss = "the topic has no partition \(names) any more"
      return Dictionary(uniqueKeysWithValues: sources.map { ($0, loss) })
    }
    var losses: [TopicPartition: String] = [:]
    for source in sources {
      losses[source] = try recorded[source.partition]?.last?
        .loss(from: source, of: log, clientID: "projectionist-offsets")
    }
    return Self.spread(losses, to: sources)
  }

  /// Gives every partition a loss if any has one.
  static func spread(_ losses: [TopicPartition: String], to sources: [TopicPartition])
    -> [TopicPartition: String]
  {
    guard let first = losses.min(by: { $0.key.partition < $1.key.partition }) else { return [:] }
    let whole = "the topic was made again: of \(first.key), \(first.value)"
    return losses.merging(sources.map { ($0, whole) }) { own, _ in own }
  }

  private func recordedPositions(_ counts: [String: Int32]) throws -> [Int32: RecordedPosition] {
    guard let topic = stage.positions.map({ topology[$0] }), counts[topic] != nil else {
      return [:]
    }
    return try RecordedPosition.all(
      in: topic, of: log, clientID: "projectionist-offsets", waits: false)
  }

  // MARK: Changing

  /// Accepts the offsets that the stage refuses.
  ///
  /// - Parameter onWait: called once when the group still has members, with their names.
  /// - Returns: what was accepted; empty if there was nothing to accept.
  package func accept(onWait: ([String]) -> Void) throws -> [SettledOffset] {
    var offsets: [TopicPartition: Int64] = [:]
    var accepted: [SettledOffset] = []
    for report in try reports() {
      guard let offset = report.accepted else { continue }
      offsets[report.source] = offset
      accepted.append(SettledOffset(report.source, offset))
    }
    try commit(offsets, .accepted, onWait)
    return accepted
  }

  /// Makes the stage go on where it stood before somebody else set its group's offsets.
  ///
  /// - Returns: where that is.
  package func restore(onWait: ([String]) -> Void) throws -> [SettledOffset] {
    var offsets: [TopicPartition: Int64] = [:]
    var restored: [SettledOffset] = []
    for report in try reports() where report.isForeign {
      let own = report.own ?? report.held.lowerBound
      offsets[report.source] = own
      restored.append(SettledOffset(report.source, own))
    }
    try commit(offsets, .released(by: "\(group)-offsets-command"), onWait)
    return restored
  }

  private func commit(
    _ offsets: [TopicPartition: Int64], _ stamp: OffsetStamp, _ onWait: ([String]) -> Void
  ) throws {
    let deadline = ContinuousClock.now + Self.patience
    var isWaiting = false
    while true {
      do throws(LogError) {
        return try admin.commit(offsets, group: group, stamp: stamp)
      } catch {
        guard error.code == .fenced else { throw error }
        let members = try admin.clientIDs(inGroup: group)
        guard ContinuousClock.now < deadline else {
          throw CommandFailure(
            .failure,
            "the group \(group) has members (\(members.joined(separator: ", "))): stop every"
              + " instance, and whoever else reads as this group")
        }
        if !isWaiting { onWait(members) }
        isWaiting = true
        Thread.sleep(forTimeInterval: 0.5)
      }
    }
  }
}

import Configuration
import EventLog
import KafkaLog
import Logging
import Streams
import Wiring

/// What is new about the cluster since the last look: it tells each thing once.
struct ClusterNews {
  /// A line of the log.
  struct Line: Hashable {
    var level = Logger.Level.warning
    var message: String
    var fields: [String: String] = [:]
    var code: Reason.Code?
  }

  private struct Stranger: Hashable {
    var group: String
    var clientID: String
    var host: String
  }

  /// A transaction that stays open hides all records behind its first one.
  private struct Hold {
    var offset: Int64
    var since: ContinuousClock.Instant
    var isTold = false
  }

  /// How long a transaction may be open; those of the stages end sooner.
  static let holdPatience = Duration.seconds(25)

  private let topics: TopicReport
  private var partitions: [String: Int] = [:]
  private var holds: [TopicPartition: Hold] = [:]
  /// By group, in how many looks some partitions were nobody's.
  private var unread: [String: Int] = [:]
  private var strangers: [Stranger: Set<TopicPartition>] = [:]

  init(_ topics: TopicReport) {
    self.topics = topics
    for entry in topics.entries { partitions[entry.topic.name] = entry.partitions }
  }

  // MARK: Topics

  /// - Parameter counts: of every topic there is.
  mutating func look(at counts: [String: Int32]) -> [Line] {
    var lines: [Line] = []
    for entry in topics.entries {
      guard let count = counts[entry.topic.name].map(Int.init),
        count > partitions[entry.topic.name] ?? 0
      else { continue }
      partitions[entry.topic.name] = count
      guard !entry.topic.acceptsAnyPartitionCount, count > entry.topic.partitions else { continue }
      lines.append(
        Line(
          message: TopicReport.growth(of: entry.topic, to: count),
          fields: ["topic": entry.topic.name], code: .partitionsGrown))
    }
    return lines
  }

  // MARK: Transactions

  /// - Parameters:
  ///   - stable: where readers of committed records find the end of each input's partitions.
  ///   - ends: where it is for others.
  mutating func look(
    at stable: [TopicPartition: Int64], before ends: [TopicPartition: Int64],
    now: ContinuousClock.Instant
  ) -> [Line] {
    var lines: [Line] = []
    for (place, offset) in stable.sorted(by: { $0.key.description < $1.key.description }) {
      guard offset < ends[place] ?? 0 else {
        if holds.removeValue(forKey: place)?.isTold == true {
          lines.append(
            Line(level: .notice, message: "\(place) is no longer held back", code: .openTransaction)
          )
        }
        continue
      }
      guard var hold = holds[place], hold.offset == offset else {
        holds[place] = Hold(offset: offset, since: now)
        continue
      }
      guard !hold.isTold, now - hold.since >= Self.holdPatience else { continue }
      hold.isTold = true
      holds[place] = hold
      lines.append(
        Line(
          message: held(place, at: offset),
          fields: ["topic": place.topic, "partition": "\(place.partition)", "offset": "\(offset)"],
          code: .openTransaction))
    }
    return lines
  }

  private func held(_ place: TopicPartition, at offset: Int64) -> String {
    let tool = topics.tools.command("kafka-transactions")
    let target = "--topic \(place.topic) --partition \(place.partition)"
    return
      "the end of \(place) is held back at offset \(offset) by a transaction that a producer has"
      + " left open: what comes behind it waits until the transaction ends or times out. `\(tool)"
      + " describe-producers \(target)` shows whose it is, and `\(tool) abort \(target)"
      + " --start-offset \(offset)` ends it"
  }

  // MARK: Groups

  /// - Parameters:
  ///   - identity: of this process's own member.
  ///   - members: of the group while it is stable.
  mutating func look(at members: [KafkaAdmin.GroupMember], of identity: StageIdentity) -> [Line] {
    var found: [Stranger: Set<TopicPartition>] = [:]
    for member in members where !identity.isMember(member.clientID) {
      let stranger = Stranger(
        group: identity.group, clientID: member.clientID, host: member.host)
      found[stranger, default: []].formUnion(member.partitions)
    }
    let known = strangers.filter { $0.key.group == identity.group }
    strangers = strangers.filter { $0.key.group != identity.group }.merging(found) { $1 }
    let news = found.filter { known[$0.key] != $0.value }.map { stranger, partitions in
      line(
        stranger, .warning,
        "a stranger is a member of a stage's group, where it can take partitions from the stage and"
          + " set its offsets. Stop it, and give it a group of its own",
        ["partitions": partitions.map(\.description).sorted().joined(separator: ",")])
    }
    let gone = known.keys.filter { found[$0] == nil }.map {
      line($0, .notice, "a stranger has left a stage's group")
    }
    return news + gone
  }

  /// A topic that a group reads.
  struct Input: Hashable {
    var topic: String
    /// Whether partitions that are added are read: others are not used.
    var mayGrow: Bool
  }

  /// Forgets what the look before has shown, because this one shows nothing.
  mutating func skipLook(at identity: StageIdentity) { unread[identity.group] = nil }

  /// Whether this process must join a group again: in two looks in a row it was no member, as after
  /// its topics were gone for a while; or partitions had no reader, and it is the member of ours
  /// that has the fewest, and so gives up the fewest. Partitions that were added have no reader
  /// yet. Others have lost theirs to a member that gave them up, and then died before the second
  /// half of a cooperative rebalance: a static member that is back within its session gets what it
  /// had, and the group does not rebalance.
  ///
  /// - Parameters:
  ///   - inputs: what the group reads.
  ///   - counts: of every topic there is.
  mutating func mustRejoin(
    _ identity: StageIdentity, _ members: [KafkaAdmin.GroupMember], inputs: [Input],
    counts: [String: Int32]
  ) -> Bool {
    let read = members.reduce(into: Set()) { $0.formUnion($1.partitions) }
    let all = inputs.flatMap { input in
      (0..<used(input, counts)).map { TopicPartition(input.topic, $0) }
    }
    let ours = members.filter { identity.isMember($0.clientID) }
    let isOutside = !ours.contains { identity.isOwn($0.clientID) }
    let least = ours.min { ($0.partitions.count, $0.clientID) < ($1.partitions.count, $1.clientID) }
    guard inputs.allSatisfy({ counts[$0.topic] ?? 0 > 0 }), isOutside || !read.isSuperset(of: all)
    else {
      unread[identity.group] = nil
      return false
    }
    let looks = unread[identity.group, default: 0] + 1
    unread[identity.group] = looks % 2
    return looks == 2 && (isOutside || least.map { identity.isOwn($0.clientID) } == true)
  }

  /// How many of an input's partitions are used.
  private func used(_ input: Input, _ counts: [String: Int32]) -> Int32 {
    let count = counts[input.topic] ?? 0
    guard !input.mayGrow, let entry = topics.entries.first(where: { $0.topic.name == input.topic })
    else { return count }
    return min(count, Int32(entry.topic.partitions))
  }

  private func line(
    _ stranger: Stranger, _ level: Logger.Level, _ message: String, _ more: [String: String] = [:]
  ) -> Line {
    let fields = [
      "group": stranger.group, "client_id": stranger.clientID, "host": stranger.host,
    ]
    return Line(
      level: level, message: message, fields: fields.merging(more) { $1 }, code: .strangerInGroup)
  }
}

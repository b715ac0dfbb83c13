import EventLog
import KafkaLog
import Streams

/// Looks for another process that has this one's instance name.
///
/// Both are the same member of the stages' groups, of which the broker keeps only the one that
/// joined last. If each joined again, they would replace each other for ever; so the older one
/// stops. Both compare the same marks, and come to the same answer.
struct RivalSearch: Sendable {
  let log: KafkaLog
  let identity: StageIdentity
  let mark: ProcessMark

  /// Why this process must stop; `nil` if it needn't, or if the broker doesn't answer: the question
  /// comes again with the next replacement.
  func findNewer() -> Reason? {
    do throws(LogError) {
      let admin = try log.makeAdmin(clientID: "projectionist-watch")
      return Self.newer(
        than: mark, identity, among: try admin.everyMember(of: identity.group))
    } catch { return nil }
  }

  static func newer(
    than mark: ProcessMark, _ identity: StageIdentity, among members: [KafkaAdmin.GroupMember]
  ) -> Reason? {
    let rival = members.first { member in
      ProcessMark(clientID: member.clientID, member: identity.member).map { $0 > mark } ?? false
    }
    guard let rival else { return nil }
    return Reason(
      .instanceInUse,
      "instance_in_use: another process at \(rival.host) has the same `instance`,"
        + " \(identity.instance), and is newer: it is now the member \(identity.member) of"
        + " \(identity.group), and this process stops. Give each process an `instance` of its own;"
        + " one that is not configured is kept in the state directory, in the file instance, which"
        + " must not be copied")
  }
}

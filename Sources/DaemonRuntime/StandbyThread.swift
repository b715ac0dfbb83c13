import EventLog
import KafkaLog
import LMDBStore
import Pipeline
import Streams

/// A stage's standby copies, and the loop that keeps them up.
final class StandbyThread: Sendable {
  let stage: StageDeclaration
  let copies = StandbyCopies<LMDBStore>()

  init(_ stage: StageDeclaration) {
    self.stage = stage
  }

  /// Keeps the copies up on the calling thread until the environment's stop signal.
  ///
  /// - Parameter count: how many instances other than its owner keep a copy of each partition.
  func run(_ environment: StageEnvironment<KafkaLog, LMDBStorage>, copies count: Int) {
    let configuration = environment.configuration
    var admin: KafkaAdmin?
    StandbyLoop(environment, copies: copies) { partitionCount throws(LogError) in
      let asking: KafkaAdmin
      if let admin {
        asking = admin
      } else {
        asking = try environment.log.makeAdmin(clientID: "\(configuration.clientID)-placement")
        admin = asking
      }
      return try Self.members(of: configuration.group, asking).map {
        StandbyPlacement.partitions(
          of: configuration.instanceID, among: $0, partitionCount: partitionCount, copies: count)
      }
    }.run()
  }

  /// - Returns: `nil` while nobody knows, such as while a broker does not answer: copies that are
  ///   kept stay.
  private static func members(of group: String, _ admin: KafkaAdmin) throws(LogError)
    -> [StandbyPlacement.Member]?
  {
    let members: [KafkaAdmin.GroupMember]?
    do throws(LogError) { members = try admin.members(of: group) } catch {
      guard error.code == .unavailable else { throw error }
      return nil
    }
    return members?.map {
      StandbyPlacement.Member(
        name: $0.clientID, partitions: Set($0.partitions.map(\.partition)))
    }
  }
}

import EventLog
import Foundation
import KafkaLog
import LMDBStore
import Pipeline
import Streams

/// An OS thread that keeps a stage's standby copies.
final class StandbyThread: Sendable {
  let stage: StageDeclaration
  let copies = StandbyCopies<LMDBStore>()

  init(_ stage: StageDeclaration) {
    self.stage = stage
  }

  /// Starts the thread; `ended` is called when it has let go of its copies.
  ///
  /// - Parameter count: how many instances beside its owner keep a copy of each partition.
  func start(
    _ environment: StageEnvironment<KafkaLog, LMDBStorage>, copies count: Int,
    ended: @escaping @Sendable () -> Void
  ) {
    let thread = Thread { [copies, stage] in
      StageThread.nameThread("standby-\(stage.name)")
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
      ended()
    }
    thread.stackSize = 4 << 20
    thread.start()
  }

  private static func members(of group: String, _ admin: KafkaAdmin) throws(LogError)
    -> [StandbyPlacement.Member]?
  {
    try admin.members(of: group)?.map {
      StandbyPlacement.Member(
        name: $0.instanceID ?? $0.clientID, partitions: Set($0.partitions.map(\.partition)))
    }
  }
}

import Codecs
public import EventLog
public import Streams

/// The control topic as a table: the policies of each partition. Belongs to one thread.
public final class PolicyTable<Consumer: LogConsumer> {
  private let table: SnapshotTable<Consumer>
  /// Of the stage that judges by it.
  private let group: String
  private var schedules: [Int32: PolicySchedule] = [:]
  private var format = PolicyFormat()

  public init<Log: EventLog>(_ log: Log, topology: Topology, clientID: String) throws(LogError)
  where Log.Consumer == Consumer {
    group = topology.group(of: .intake)
    table = try SnapshotTable(log, topic: topology[.control], clientID: clientID, waits: true)
  }

  /// What is known of a partition.
  public subscript(partition: Int32) -> PolicySchedule {
    schedules[partition] ?? PolicySchedule()
  }

  /// The partitions of which anything is known.
  public var partitions: [Int32] { schedules.keys.sorted() }

  /// Takes in everything that is in the topic now, and waits for what open transactions hold: it
  /// may be what the owner before has judged by.
  public func catchUp() throws(LogError) {
    try table.catchUp { self.take($0) }
  }

  /// Notes what this member has committed itself.
  func note(_ changes: [PolicySchedule.Change], of partition: Int32) {
    for change in changes { schedules[partition, default: PolicySchedule()].apply(change) }
  }

  private func take(_ record: borrowing RecordView) {
    guard let key = record.key, let place = PolicyPlace(key: key), place.group == group else {
      return
    }
    var recorded: PolicySchedule.Recorded?
    if let value = record.value {
      do throws(RecordError) { recorded = .policy(try format.read(value)) } catch {
        recorded = .unreadable(error.message)
      }
    }
    schedules[place.partition, default: PolicySchedule()].set(recorded, from: place.offset)
  }
}

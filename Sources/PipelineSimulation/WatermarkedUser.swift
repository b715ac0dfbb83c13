import EventLog
import Pipeline
import Ratings
import Simulation
import StateStore
import Streams

/// The user stage with a mistake of earlier versions: an event at or below the newest offset of its
/// source partition passes for a repeat. Events that were skipped and are read later are lost.
struct WatermarkedUser<Store: StateStore, Producer: LogProducer>: StageOperator, ~Copyable {
  typealias Partition = PartitionTask<Store, Producer>

  struct State: PartitionState {
    var state: UserPartition
    var repeats: RepeatFilter

    mutating func writeTables() throws(StageError) { try state.writeTables() }
  }

  private var base: UserOperator<Store, Producer>
  private var parser = CanonicalEventParser()
  /// What a store's state has seen of the sources.
  private let seen: (Partition) throws(StageError) -> RepeatFilter

  init(
    _ base: consuming UserOperator<Store, Producer>,
    seen: @escaping (Partition) throws(StageError) -> RepeatFilter
  ) {
    self.base = base
    self.seen = seen
  }

  mutating func partitionsChanged(_ tasks: [Partition]) { base.partitionsChanged(tasks) }

  mutating func makeState(_ task: Partition) throws(StageError) -> State {
    State(state: try base.makeState(task), repeats: try seen(task))
  }

  mutating func process(
    _ records: borrowing RecordRun, _ state: inout State, _ task: Partition
  ) throws(StageError) {
    for index in records.indices {
      guard let value = records[index].value,
        let event = try? parser.parse(value, recordTime: -1), state.repeats.isNew(event.source)
      else { continue }
      try base.process(records.extracting(index..<index + 1), &state.state, task)
    }
  }

  mutating func publish(_ state: inout State, _ task: Partition) throws(StageError) {
    try base.publish(&state.state, task)
  }

  mutating func closeBatch(_ state: inout State, _ task: Partition) throws(StageError) {
    try base.closeBatch(&state.state, task)
  }
}

extension StageProgram where Log == MemoryLog, Storage == MemoryStorage {
  /// The user stage with that mistake.
  static func watermarkedUser(_ topology: Topology, in log: MemoryLog) -> Self {
    let topic = topology[.validatedRatings]
    return StageProgram(.user) { environment in
      WatermarkedUser(
        UserOperator<MemoryStorage.Store, MemoryLog.Producer>(
          environment.log, topology: topology, clientID: environment.configuration.clientID,
          directory: PartitionDirectory())
      ) { task throws(StageError) in
        var parser = CanonicalEventParser()
        var repeats = RepeatFilter()
        do throws(LogError) {
          for record in try log.records(of: TopicPartition(topic, task.partition))
          where record.offset < task.nextOffset {
            guard let value = record.value,
              let event = try? parser.parse(value.span.bytes, recordTime: -1)
            else { continue }
            _ = repeats.isNew(event.source)
          }
        } catch { throw .log(error) }
        return repeats
      }
    }
  }
}

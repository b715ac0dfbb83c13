public import EventLog
public import Streams
import StateStore

/// Counts and sums per key, and sends the key's new tally for every record. The smallest stage that
/// uses all of the engine.
public struct CountingOperator: StageOperator {
  public typealias Store = MemoryStore
  public typealias Producer = MemoryProducer

  private static let tallies = StageDeclaration.count.output(.tallies)

  public init() {}

  public func makeState(_ task: Partition) throws(StageError) -> CountingPartition {
    CountingPartition(tallies: StateTable(.tallies, of: task))
  }

  public func process(
    _ records: borrowing RecordRun, _ state: inout CountingPartition, _ task: Partition
  ) throws(StageError) {
    for index in records.indices {
      let record = records[index]
      guard let key = record.key else { continue }
      let value: [UInt8]? = if let value = record.value { [UInt8](copying: value) } else { nil }
      let tally = try state.tallies.update(TallyKey(bytes: [UInt8](copying: key))) { tally in
        tally = Tally.next(tally, value)
        return tally
      }
      let output = Array(Tally.output(record.offset, tally).utf8)
      try task.send(to: Self.tallies, key: key, value: output.span.bytes)
    }
  }
}

/// What the counting stage keeps of a partition.
public struct CountingPartition: PartitionState {
  fileprivate(set) var tallies: StateTable<TallyKey, Tally?>

  public mutating func writeTables() throws(StageError) { try tallies.writeChanges() }
}

/// The key of a record, as it is.
struct TallyKey: StateKey {
  var bytes: [UInt8]

  func encode(into bytes: inout [UInt8]) { bytes += self.bytes }
}

extension TallyKey {
  init?(decoding bytes: RawSpan) { self.bytes = [UInt8](copying: bytes) }
}

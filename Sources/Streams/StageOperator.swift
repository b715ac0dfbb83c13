public import EventLog
public import StateStore

/// The logic of one stage, run by the stage's thread over all the partitions it owns.
///
/// An operator is a function of the events and the state: it asks no clock and draws no random
/// numbers. Within a batch it keeps what it has changed in `Working`, because reads of the task see
/// the last commit; at `closeBatch` it puts each changed value once.
public protocol StageOperator: ~Copyable {
  associatedtype Store: StateStore
  associatedtype Producer: LogProducer
  /// What a partition keeps in memory, within a batch and between batches.
  associatedtype Working
  typealias Partition = PartitionTask<Store, Producer>

  /// Prepares the memory of a partition whose state is restored. Called again after an aborted
  /// batch.
  mutating func makeWorking(_ task: Partition) throws(StageError) -> Working

  /// Called before the first record of each batch.
  mutating func beginBatch() throws(StageError)

  /// Takes events of one partition, in their order. Bad data is answered with an output, never with
  /// an error.
  mutating func process(
    _ records: borrowing RecordRun, _ working: inout Working, _ task: Partition
  ) throws(StageError)

  /// Sends what somebody waits for ahead of the batch's end. Called where no transaction holds outputs
  /// back until then, as often as a small batch stays open with all that has come so far.
  mutating func publish(_ working: inout Working, _ task: Partition) throws(StageError)

  /// Puts what the batch changed in this partition and sends what it stands for.
  mutating func closeBatch(_ working: inout Working, _ task: Partition) throws(StageError)

  /// Makes the batch's effects outside the log happen, before its offsets are committed. May be
  /// called again with the same batch after an error.
  mutating func flush() throws(StageError)

  /// Called when the input has run dry between two batches. Returns whether it wants `refresh`
  /// called on every partition, as a batch of its own.
  mutating func wantsRefresh() throws(StageError) -> Bool

  /// Sends again what has changed in a partition without an event of its own.
  mutating func refresh(_ working: inout Working, _ task: Partition) throws(StageError)

  /// The stage's partitions have changed; `working` and tasks of the gone ones are released.
  mutating func partitionsChanged(_ tasks: [Partition])
}

extension StageOperator where Self: ~Copyable {
  public mutating func beginBatch() throws(StageError) {}
  public mutating func publish(_ working: inout Working, _ task: Partition) throws(StageError) {}
  public mutating func closeBatch(_ working: inout Working, _ task: Partition) throws(StageError) {}
  public mutating func flush() throws(StageError) {}
  public mutating func wantsRefresh() throws(StageError) -> Bool { false }
  public mutating func refresh(_ working: inout Working, _ task: Partition) throws(StageError) {}
  public mutating func partitionsChanged(_ tasks: [Partition]) {}
}

extension StageOperator where Self: ~Copyable, Working == Void {
  public mutating func makeWorking(_ task: Partition) throws(StageError) {}
}

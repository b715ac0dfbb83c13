public import EventLog
public import StateStore

/// The logic of one stage, run by the stage's thread over all the partitions it owns.
///
/// An operator is a function of the events and the state: it asks no clock and draws no random
/// numbers. What it keeps of a partition is in `State`, whose tables show the open batch's changes
/// over the last commit.
public protocol StageOperator: ~Copyable {
  associatedtype Store: StateStore
  associatedtype Producer: LogProducer
  /// What is kept in memory of a partition, within a batch and between batches.
  associatedtype State: PartitionState
  typealias Partition = PartitionTask<Store, Producer>

  /// Says where to go on in partitions that the group gives to the stage, by what is kept of them
  /// outside the log. Those not named start after their state, or where the group stands. Called
  /// again while its error says to retry, after pauses that grow.
  ///
  /// - Parameter committed: where the group stands; partitions without an offset are absent.
  mutating func resume(_ partitions: [TopicPartition], committed: [TopicPartition: Int64])
    throws(StageError) -> [TopicPartition: Int64]

  /// Makes the state of a partition whose store is restored. Called again after an aborted batch.
  mutating func makeState(_ task: Partition) throws(StageError) -> State

  /// Whether a partition's state is of an earlier version and must be brought up to date before its
  /// first event.
  func isOutdated(_ state: borrowing State) -> Bool

  /// Does a part of that, which the engine commits as a batch of its own. `makeState` follows, and
  /// `isOutdated` is asked again. Interrupted at any moment, it goes on from its last commit. A
  /// part takes seconds at most: the group hears from the member in between.
  mutating func upgrade(_ state: inout State, _ task: Partition) throws(StageError)
    -> UpgradeProgress

  /// Called before the first record of each batch.
  mutating func beginBatch() throws(StageError)

  /// Takes events of one partition, in order. Bad data leads to an output, never to an error.
  mutating func process(
    _ records: borrowing RecordRun, _ state: inout State, _ task: Partition
  ) throws(StageError)

  /// Sends what readers wait for before the batch ends. Called without transactions, which would
  /// hold outputs back, whenever a small batch has processed what was waiting and stays open.
  mutating func publish(_ state: inout State, _ task: Partition) throws(StageError)

  /// Sends what the batch's changes in this partition stand for. The engine then writes the tables.
  mutating func closeBatch(_ state: inout State, _ task: Partition) throws(StageError)

  /// Performs the batch's effects outside the log, before its offsets are committed. May be called
  /// again with the same batch after an error.
  mutating func flush() throws(StageError)

  /// Called when a batch is committed: says what there is to tell of it.
  mutating func report() -> BatchReport

  /// Called between two batches when the input has run dry. Returns whether to call `refresh` on
  /// every partition, as a batch of its own.
  mutating func wantsRefresh() throws(StageError) -> Bool

  /// Sends again what has changed in a partition without an event.
  mutating func refresh(_ state: inout State, _ task: Partition) throws(StageError)

  /// The stage's partitions have changed; the states and tasks of those that left are released.
  mutating func partitionsChanged(_ tasks: [Partition])
}

/// How far a state was brought up to date, in offsets of its input.
public struct UpgradeProgress: Hashable, Sendable {
  public var done: Int64
  public var total: Int64
  /// Why the state stays as it was.
  public var obstacle: Reason?

  public init(done: Int64, total: Int64, obstacle: Reason? = nil) {
    self.done = done
    self.total = total
    self.obstacle = obstacle
  }
}

extension StageOperator where Self: ~Copyable {
  public mutating func resume(
    _ partitions: [TopicPartition], committed: [TopicPartition: Int64]
  ) throws(StageError) -> [TopicPartition: Int64] { [:] }
  public func isOutdated(_ state: borrowing State) -> Bool { false }
  public mutating func upgrade(_ state: inout State, _ task: Partition) throws(StageError)
    -> UpgradeProgress
  { UpgradeProgress(done: 0, total: 0) }
  public mutating func beginBatch() throws(StageError) {}
  public mutating func publish(_ state: inout State, _ task: Partition) throws(StageError) {}
  public mutating func closeBatch(_ state: inout State, _ task: Partition) throws(StageError) {}
  public mutating func flush() throws(StageError) {}
  public mutating func report() -> BatchReport { BatchReport() }
  public mutating func wantsRefresh() throws(StageError) -> Bool { false }
  public mutating func refresh(_ state: inout State, _ task: Partition) throws(StageError) {}
  public mutating func partitionsChanged(_ tasks: [Partition]) {}
}

/// What a stage keeps in memory of one partition: its tables, and notes of the open batch.
public protocol PartitionState {
  /// Writes the changes of every table (`StateTable.writeChanges`). The order of the tables is that
  /// of their changes in the changelog.
  mutating func writeTables() throws(StageError)
}

/// The state of a stage that keeps nothing.
public struct NoState: PartitionState {
  public init() {}
  public mutating func writeTables() throws(StageError) {}
}

extension StageOperator where Self: ~Copyable, State == NoState {
  public mutating func makeState(_ task: Partition) throws(StageError) -> NoState { NoState() }
}

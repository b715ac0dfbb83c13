import Dispatch
import EventLog
import StateStore
import Synchronization

/// How far a partition's changelog is read, and what was read of it. Belongs to the thread that
/// reads, which comes here with each record; so it is generic over nothing.
final class RestoreLane {
  let changelog: TopicPartition
  /// What the store lacked at the start: changelog offsets up to the end.
  var range: Range<Int64> = 0..<0
  /// The offset after the last position in `range`; `nil` when there is none.
  var lastPosition: Int64?
  /// The changes behind that position.
  var tail = WriteSet()
  /// Changes read and not yet handed on.
  var writes = WriteSet()
  /// Records read so far that the store is to have.
  var records = 0
  /// Whether nothing more is to be read, because the store can't take it.
  var isAbandoned = false
  /// The next offset to read, and where reading ends.
  private(set) var next: Int64 = 0
  private(set) var end: Int64 = 0

  init(_ changelog: TopicPartition) {
    self.changelog = changelog
  }

  var isRead: Bool { next >= end || isAbandoned }
  /// Where the state ends: what follows belongs to a batch that a crash cut short, and whose input
  /// will be read again.
  var endOfState: Int64 { lastPosition ?? range.lowerBound }
  /// The offset that the store stands for with what is read so far. Where no change is behind the
  /// last position, there are markers only.
  var changelogOffset: Int64 { next == endOfState && tail.isEmpty ? range.upperBound : next }

  func begin(_ range: Range<Int64>) {
    next = range.lowerBound
    end = range.upperBound
  }

  /// Whether a record is the reader's next one, which it then has passed.
  func passes(_ offset: Int64) -> Bool {
    guard offset >= next, offset < end else { return false }
    next = offset + 1
    return true
  }

  /// Nothing visible is left below this offset. Compaction and transaction markers leave gaps, at
  /// the end too: the reader's position, not the last record, tells that the end is reached.
  func reach(_ offset: Int64) {
    next = min(max(next, offset), end)
  }
}

/// A store that is restored.
final class RestoreTarget<Store: StateStore> {
  let lane: RestoreLane
  let store: Store
  /// Why the store must be rebuilt from nothing.
  private(set) var damage: StageError?
  private let chunks: ChunkWriter<Store>

  init(_ changelog: TopicPartition, _ store: Store) {
    lane = RestoreLane(changelog)
    self.store = store
    chunks = ChunkWriter(store)
  }

  var partition: Int32 { lane.changelog.partition }

  /// Hands what was read on to be committed, after the chunk before.
  ///
  /// - Parameter pages: the most that one transaction of the store may change.
  func commitChunk(pages: Int, _ inBackground: BackgroundWork) throws(StageError) {
    try minding { () throws(StoreError) in
      try chunks.commit(
        &lane.writes, changelogOffset: lane.changelogOffset, pages: pages, inBackground)
    }
  }

  /// Waits until all chunks are committed.
  func finish() throws(StageError) {
    try minding { () throws(StoreError) in try chunks.finish() }
  }

  /// Waits until nothing is written any more, whatever has become of it.
  func settle() { chunks.settle() }

  /// Takes note of an error that a restore from nothing may mend.
  func minding(_ body: () throws(StoreError) -> Void) throws(StageError) {
    do throws(StoreError) { try body() } catch {
      guard error.remedy == .rebuild else { throw .store(error) }
      damage = .store(error)
      lane.isAbandoned = true
    }
  }
}

/// Runs work beside the thread that asks for it; in a simulation, on it and at once.
public typealias BackgroundWork = @Sendable (@escaping @Sendable () -> Void) -> Void

/// Commits chunks to a store beside the thread that fills them: one after the other, and the next
/// is accepted only when the one before is done. So two of them are all the memory there is.
private final class ChunkWriter<Store: StateStore>: Sendable {
  private struct Chunk {
    var writes = WriteSet()
    var failure: StoreError?
  }

  private let store: Store
  private let chunk = Mutex(Chunk())
  private let idle = DispatchSemaphore(value: 1)

  init(_ store: Store) {
    self.store = store
  }

  /// Takes the writes and leaves an empty set.
  ///
  /// - Throws: what the chunk before has failed with.
  func commit(
    _ writes: inout WriteSet, changelogOffset: Int64, pages: Int, _ inBackground: BackgroundWork
  ) throws(StoreError) {
    idle.wait()
    let failure = chunk.withLock { chunk in
      if chunk.failure == nil { swap(&chunk.writes, &writes) }
      return chunk.failure
    }
    if let failure {
      idle.signal()
      throw failure
    }
    inBackground { [self] in
      chunk.withLock { chunk in
        do throws(StoreError) {
          try store.commitInParts(
            &chunk.writes, changelogOffset: changelogOffset, pages: pages)
        } catch { chunk.failure = error }
        chunk.writes.removeAll()
      }
      idle.signal()
    }
  }

  func finish() throws(StoreError) {
    settle()
    if let failure = chunk.withLock({ $0.failure }) { throw failure }
  }

  func settle() {
    idle.wait()
    idle.signal()
  }
}

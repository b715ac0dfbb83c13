import EventLog
import StateStore

/// Reads partitions of a changelog side by side on one consumer: first the tails, then, poll by
/// poll, the changes up to the last positions. Knows nothing of stores.
struct ChangelogReader<Log: EventLog>: ~Copyable {
  /// In the order in which they were given.
  private(set) var sections: [ChangelogSection]
  private var reader: PartitionReader<Log.Consumer>
  private let stop: StopSignal

  init<Storage: StateStorage>(
    _ sections: [ChangelogSection], of changelog: String,
    in environment: StageEnvironment<Log, Storage>
  ) throws(StageError) {
    self.sections = sections
    stop = environment.stop
    reader = try environment.makeChangelogReader(of: changelog)
  }

  /// Finds the last position of each partition, and gathers what is behind it.
  ///
  /// - Parameter onPoll: called after each poll.
  mutating func findTails(onPoll: () -> Void) throws(StageError) {
    var search = TailSearch()
    var searched = Array(sections.indices)
    while !searched.isEmpty {
      for number in searched { sections[number].beginSearch() }
      try begin(searched.map { sections[$0].search(search) })
      while !reader.isFinished {
        try poll { sections, index, record in sections[searched[index]].searchRecord(record) }
        onPoll()
      }
      searched.removeAll {
        sections[$0].tail.lastPosition != nil || search.covers(sections[$0].range)
      }
      search.widen()
    }
  }

  // MARK: State

  /// Begins to read the changes from the start of each section to its last position.
  mutating func beginState() throws(StageError) {
    try begin(sections.map(\.state))
  }

  /// Whether the changes of all sections are read.
  var isFinished: Bool { reader.isFinished }
  /// Offsets that `readState` passes, of all sections, and those that it has passed.
  var total: Int64 { reader.total }
  var passed: Int64 { reader.passed }

  /// Polls once for changes.
  mutating func readState() throws(StageError) {
    try poll { sections, number, record in sections[number].takeChange(record) }
  }

  /// Passes what was read of a section to `take`, once it is everything or `bytes` long.
  ///
  /// - Parameter take: empties the changes; also gets the offset that a store with them stands for.
  mutating func takeChunk(
    of number: Int, bytes: Int,
    _ take: (_ changes: inout WriteSet, _ changelogOffset: Int64) throws(StageError) -> Void
  ) throws(StageError) {
    let cursor = reader.cursors[number]
    guard !sections[number].changes.isEmpty,
      cursor.isFinished || sections[number].changes.memoryBytes >= bytes
    else { return }
    let offset = sections[number].changelogOffset(below: cursor.next)
    try take(&sections[number].changes, offset)
  }

  /// Reads nothing more of a section.
  mutating func abandon(_ number: Int) throws(StageError) {
    do throws(LogError) { try reader.abandon(number) } catch { throw .log(error) }
  }

  // MARK: Polling

  private mutating func begin(_ cursors: [PartitionCursor]) throws(StageError) {
    do throws(LogError) { try reader.begin(cursors) } catch { throw .log(error) }
  }

  /// - Throws: `.stopped` when the stage was stopped.
  private mutating func poll(
    _ body: (inout [ChangelogSection], Int, borrowing RecordView) -> Void
  ) throws(StageError) {
    guard !stop.isStopped else { throw .stopped }
    // Taken out of `self` for the poll, so that records change them in place.
    var sections: [ChangelogSection] = []
    swap(&sections, &self.sections)
    defer { swap(&sections, &self.sections) }
    do throws(LogError) {
      try reader.poll { number, record in
        body(&sections, number, record)
        return true
      }
    } catch { throw .log(error) }
  }
}

extension StageEnvironment {
  /// A reader of a changelog for a restore. The broker answers its fetches at once, also when they
  /// find nothing: that is how it learns that it is at the end.
  func makeChangelogReader(of changelog: String) throws(StageError)
    -> PartitionReader<Log.Consumer>
  {
    do throws(LogError) {
      return try PartitionReader(
        log, topics: [changelog], clientID: "\(configuration.clientID)-restore",
        maxQueuedBytes: 16 << 20)
    } catch { throw .log(error) }
  }
}

/// The cursors of a reader, found by topic and partition without hashing: each record asks.
struct CursorTable: Sendable {
  private(set) var cursors: [PartitionCursor]
  /// By topic and partition, an index in `cursors`; -1 where nothing is read.
  private var numbers: [Int32] = []
  private var stride = 0
  /// How many cursors are not finished.
  private(set) var unfinished: Int

  /// - Parameter topics: those of the consumer, in its order.
  init(_ cursors: [PartitionCursor], topics: [String]) {
    self.cursors = cursors
    unfinished = cursors.count { !$0.isFinished }
    stride = Int(cursors.map(\.partition.partition).max() ?? -1) + 1
    numbers = Array(repeating: -1, count: stride * topics.count)
    for (number, cursor) in cursors.enumerated() {
      guard let topic = topics.firstIndex(of: cursor.partition.topic) else {
        preconditionFailure("the consumer does not read \(cursor.partition.topic)")
      }
      numbers[topic * stride + Int(cursor.partition.partition)] = Int32(number)
    }
  }

  /// Moves the run's cursor past it.
  ///
  /// - Returns: the cursor's index and the wanted records; `nil` if none is wanted.
  mutating func take(_ run: borrowing RecordRun) -> (number: Int, wanted: Range<Int>)? {
    guard Int(run.partition) < stride else { return nil }
    let number = Int(numbers[run.topic * stride + Int(run.partition)])
    guard number >= 0, !cursors[number].isFinished else { return nil }
    let lower = run.index(ofOffset: cursors[number].next)
    let upper = run.index(ofOffset: cursors[number].end)
    _ = cursors[number].take(run.lastOffset)
    if cursors[number].isFinished { unfinished -= 1 }
    return lower < upper ? (number, lower..<upper) : nil
  }

  mutating func reach(_ ends: [TopicPartition: Int64]) {
    guard !ends.isEmpty else { return }
    for number in cursors.indices {
      guard let end = ends[cursors[number].partition] else { continue }
      update(number) { $0.reach(end) }
    }
  }

  mutating func rewind(_ number: Int, to offset: Int64) { update(number) { $0.rewind(to: offset) } }

  mutating func abandon(_ number: Int) { update(number) { $0.abandon() } }

  private mutating func update(_ number: Int, _ change: (inout PartitionCursor) -> Void) {
    let wasFinished = cursors[number].isFinished
    change(&cursors[number])
    let isFinished = cursors[number].isFinished
    if wasFinished != isFinished { unfinished += isFinished ? -1 : 1 }
  }
}

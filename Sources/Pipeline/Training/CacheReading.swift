import EventLog
import Ratings
import Streams

/// What is being read from the log for a cache, by partition.
struct CacheReading: ~Copyable {
  private struct Entry {
    /// The last record known before; it must come first.
    var known: RecordIdentity?
    var isTrusted: Bool
    var writer: RatingCacheWriter
  }

  private var parser = CanonicalEventParser()
  private var entries: [Entry]
  /// The partition whose first record is not the one that is known.
  private(set) var impostor: Int?

  init<File>(_ partitions: [CachedPartition<File>]) {
    entries = partitions.map { partition in
      Entry(
        known: partition.last, isTrusted: partition.last == nil,
        writer: RatingCacheWriter(from: partition.next, after: partition.last))
    }
  }

  /// - Returns: whether to go on reading.
  mutating func take(_ record: borrowing RecordView, from index: Int) -> Bool {
    let identity = RecordIdentity(record)
    if !entries[index].isTrusted {
      guard let known = entries[index].known, known == identity else {
        impostor = index
        return false
      }
      entries[index].isTrusted = true
      return true
    }
    entries[index].writer.note(identity)
    if let statement = parser.statement(in: record) {
      entries[index].writer.append(statement, at: record.offset)
    }
    return true
  }

  /// Everything was read: a record that is known and has not come is not there.
  mutating func settle() {
    if impostor == nil { impostor = entries.firstIndex { !$0.isTrusted } }
  }

  func isTrusted(_ index: Int) -> Bool { entries[index].isTrusted }

  func isFull(_ index: Int) -> Bool { entries[index].writer.isFull }

  func writer(_ index: Int) -> RatingCacheWriter { entries[index].writer }

  mutating func begin(_ index: Int, from next: Int64, after last: RecordIdentity?) {
    entries[index].writer = RatingCacheWriter(from: next, after: last)
  }
}

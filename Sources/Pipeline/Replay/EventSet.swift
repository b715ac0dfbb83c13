import Codecs
public import EventLog
public import Ratings

/// Events of `user-ratings` by where they lie, a bit each.
public struct EventSet: Sendable {
  private struct Page: Hashable, Comparable {
    var partition: Int32
    var number: Int64

    static func < (a: Page, b: Page) -> Bool {
      (a.partition, a.number) < (b.partition, b.number)
    }
  }

  private static let wordsPerPage = 1024
  private static let offsetsPerPage = Int64(64 * wordsPerPage)

  private var pages: [Page: [UInt64]] = [:]
  public private(set) var count = 0

  public init() {}

  public mutating func insert(_ event: SourceCoordinates) {
    guard event.offset >= 0 else { return }
    let (number, rest) = event.offset.quotientAndRemainder(dividingBy: Self.offsetsPerPage)
    let bit = UInt64(1) << UInt64(rest & 63)
    let isNew = Self.insert(
      bit, at: Int(rest >> 6),
      into: &pages[
        Page(partition: event.partition, number: number),
        default: Array(repeating: 0, count: Self.wordsPerPage)])
    if isNew { count += 1 }
  }

  private static func insert(_ bit: UInt64, at word: Int, into words: inout [UInt64]) -> Bool {
    guard words[word] & bit == 0 else { return false }
    words[word] |= bit
    return true
  }

  /// How many of the events another set lacks, with the first of them.
  public func missing(from other: EventSet, shown: Int) -> (count: Int, first: [SourceCoordinates])
  {
    var count = 0
    var first: [SourceCoordinates] = []
    for (page, words) in pages.sorted(by: { $0.key < $1.key }) {
      let others = other.pages[page]
      for (index, word) in words.enumerated() {
        var rest = word & ~(others?[index] ?? 0)
        count += rest.nonzeroBitCount
        while rest != 0, first.count < shown {
          let offset =
            page.number * Self.offsetsPerPage + Int64(index * 64 + rest.trailingZeroBitCount)
          first.append(SourceCoordinates(partition: page.partition, offset: offset))
          rest &= rest - 1
        }
      }
    }
    return (count, first)
  }
}

/// Gathers the events that the records of a topic are about. Belongs to one thread.
public struct EventReader<Log: EventLog> {
  /// Which records count.
  public enum Topic: Sendable {
    /// `validated-ratings`
    case events
    /// `validation-results`: of verdicts, those that say valid of an event.
    case validVerdicts
  }

  private let log: Log
  private let clientID: String

  public init(_ log: Log, clientID: String) {
    self.log = log
    self.clientID = clientID
  }

  /// Reads partitions from their beginnings to the given ends.
  ///
  /// - Parameter progress: called now and then with the offsets passed.
  public func read(
    _ topic: Topic, to ends: [TopicPartition: Int64], progress: (Int64) -> Void = { _ in }
  ) throws(LogError) -> EventSet {
    var events = EventSet()
    guard let name = ends.keys.first?.topic else { return events }
    var parser = FlatJSONParser(
      fields: topic == .events
        ? ["source_partition", "source_offset", "valid", "coerced"]
        : ["partition", "offset", "valid", "coerced"])
    var reader = try PartitionReader(
      log, topics: [name], clientID: clientID, maxQueuedBytes: 32 << 20)
    var cursors: [PartitionCursor] = []
    for (partition, end) in ends {
      let start = try reader.consumer.offsets(of: partition).lowerBound
      cursors.append(PartitionCursor(partition, from: .at(start), to: end))
    }
    try reader.begin(cursors)
    try reader.readToEnd(
      patience: .seconds(10),
      onPoll: { cursors in
        progress(cursors.reduce(0) { $0 + $1.passed })
        return true
      },
      { _, record in
        // What can't be read was written by somebody else.
        guard let value = record.value, (try? parser.parse(value)) != nil,
          let partition = parser.integer(0).flatMap({ Int32(exactly: $0) }),
          let offset = parser.integer(1), topic == .events || parser.boolean(2) == true,
          !Self.isOfNoEvent(parser)
        else { return true }
        events.insert(SourceCoordinates(partition: partition, offset: offset))
        return true
      })
    return events
  }

  /// Whether a verdict is on a record that holds no event.
  private static func isOfNoEvent(_ parser: borrowing FlatJSONParser) -> Bool {
    guard parser.kind(3) == .array else { return false }
    var isTombstone = false
    _ = parser.forEachElement(3, limit: Coercion.allCases.count) { _, name in
      if name?.equals(Coercion.debeziumTombstone.name) == true { isTombstone = true }
    }
    return isTombstone
  }
}

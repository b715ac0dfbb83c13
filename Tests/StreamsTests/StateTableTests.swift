import EventLog
import Simulation
import StateStore
import Testing

@testable import Streams

/// Typed tables against a dictionary, on a store and a changelog in memory.
@Suite struct StateTableTests {
  struct ShelfKey: StateKey {
    var number: UInt8

    func encode(into bytes: inout [UInt8]) { bytes.append(number) }
  }

  struct BookKey: StateKey, Comparable {
    var shelf: UInt8
    var number: UInt16

    var prefix: ShelfKey { ShelfKey(number: shelf) }

    func encode(into bytes: inout [UInt8]) {
      bytes += [shelf, UInt8(number >> 8), UInt8(truncatingIfNeeded: number)]
    }

    static func < (a: BookKey, b: BookKey) -> Bool { (a.shelf, a.number) < (b.shelf, b.number) }
  }

  struct Title: StoredValue, Hashable {
    enum Failure: Error { case empty }

    var text: String

    func encode(into bytes: inout [UInt8]) { bytes += text.utf8 }
  }

  static let table = Table(rawValue: 1)
  typealias Books = StateTable<BookKey, Title?>

  /// One partition's task with what it writes to, and the committed values as a dictionary.
  private struct Bed {
    static let changelog = TopicPartition("changelog", 0)

    let log = MemoryLog()
    let storage = MemoryStorage()
    let producer: MemoryProducer
    let consumer: MemoryConsumer
    let task: PartitionTask<MemoryStore, MemoryProducer>
    var committed: [BookKey: Title] = [:]
    private var seen = 0

    init() throws {
      log.createTopic(Self.changelog.topic, partitions: 1)
      log.createTopic("input", partitions: 1)
      producer = try log.makeProducer(
        ProducerConfiguration(
          topics: [Self.changelog.topic], delivery: .transactional(id: "id"), clientID: "test"))
      consumer = try log.makeConsumer(
        ConsumerConfiguration(topics: ["input"], group: "group", isMember: false, clientID: "test"))
      task = try PartitionTask(
        topic: 0, source: TopicPartition("input", 0),
        store: storage.open(stage: "test", partition: 0, tables: ["books"]), producer: producer,
        changelogTopic: 0, producedTopics: ["changelog"], outputCounts: [],
        start: TaskStart(offset: 0))
      try producer.beginTransaction()
    }

    /// Commits the open batch.
    ///
    /// - Returns: the changes it has sent to the changelog, in their order.
    mutating func commit(_ books: inout Books, _ open: [BookKey: Title]) throws -> [MemoryRecord] {
      try books.writeChanges()
      task.nextOffset += 1
      try task.putPosition()
      try producer.commitTransaction(
        offsets: [task.source: task.nextOffset], of: consumer, timeout: .zero)
      try task.commitStore()
      task.settle()
      try producer.beginTransaction()
      committed = open
      let records = try log.records(of: Self.changelog)
      defer { seen = records.count }
      return records.dropFirst(seen).filter { $0.key?.first == StateTableTests.table.rawValue }
    }

    /// Throws the open batch away, as the engine does it.
    func abort() throws -> Books {
      try producer.abortTransaction(timeout: .zero)
      task.rollBack()
      try producer.beginTransaction()
      return Books(StateTableTests.table, of: task)
    }

    var stored: [[UInt8]: [UInt8]] {
      storage.contents(of: StateTableTests.table, stage: "test", partition: 0)
    }
  }

  private static func bytes(_ key: BookKey) -> [UInt8] {
    var bytes: [UInt8] = []
    key.encode(into: &bytes)
    return bytes
  }

  private func scan(_ books: inout Books, shelf: UInt8?, limit: Int = .max) throws
    -> [(BookKey, Title)]
  {
    var found: [(BookKey, Title)] = []
    let body = { (key: BookKey, value: Title?) throws(StageError) -> Bool in
      // A scan hands out no empty values.
      if let value { found.append((key, value)) } else { Issue.record("\(key) is empty") }
      return found.count < limit
    }
    if let shelf {
      try books.scan(prefix: ShelfKey(number: shelf), body)
    } else {
      try books.scan(body)
    }
    return found
  }

  private static func sorted(_ open: [BookKey: Title], shelf: UInt8?) -> [(BookKey, Title)] {
    open.filter { shelf == nil || $0.key.shelf == shelf }.sorted { $0.key < $1.key }
      .map { ($0.key, $0.value) }
  }

  @Test(arguments: UInt64(0)..<40) func behavesLikeADictionary(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var bed = try Bed()
    var books = Books(Self.table, of: bed.task)
    for batch in 0..<12 {
      var open = bed.committed
      // Each changed key once, in the order in which the batch met it.
      var met: [BookKey] = []
      var changed: Set<BookKey> = []
      for step in 0..<Int.random(in: 0...80, using: &random) {
        let key = BookKey(
          shelf: UInt8.random(in: 0...3, using: &random),
          number: UInt16.random(in: 250...260, using: &random))
        let title: Title? = random.oneIn(4) ? nil : Title(text: "\(batch) \(step)")
        let choice = Int.random(in: 0..<8, using: &random)
        if choice < 6, !met.contains(key) { met.append(key) }
        switch choice {
        case 0: #expect(try books.get(key) == open[key])
        case 1:
          let before = try books.update(key) { value in
            defer { value = title }
            return value
          }
          #expect(before == open[key])
        case 2: if let title { books.put(key, title) } else { books.remove(key) }
        case 3, 4:
          let isKnownAbsent = choice == 4 && bed.committed[key] == nil
          let row = try books.row(of: key, mayBeStored: !isKnownAbsent)
          #expect(books.key(of: row) == key && books[row] == open[key])
          books[row] = title
        case 5:
          // The same row again, however often it is asked for.
          #expect(try books.row(of: key) == books.row(of: key, mayBeStored: false))
        default:
          let shelf = choice == 6 ? key.shelf : nil
          let limit = Int.random(in: 1...20, using: &random)
          let expected = Self.sorted(open, shelf: shelf).prefix(limit)
          let found = try scan(&books, shelf: shelf, limit: limit)
          #expect(found.map(\.0) == expected.map(\.0))
          #expect(found.map(\.1) == expected.map(\.1))
        }
        if (1...4).contains(choice) {
          open[key] = title
          changed.insert(key)
        }
      }
      #expect(books.rowCount == met.count)
      if random.oneIn(4) {
        books = try bed.abort()
      } else {
        let records = try bed.commit(&books, open)
        let expected = met.filter { changed.contains($0) }
        #expect(
          records.map { $0.key ?? [] } == expected.map { [Self.table.rawValue] + Self.bytes($0) })
        #expect(records.map(\.value) == expected.map { open[$0].map { Array($0.text.utf8) } })
      }
      #expect(books.rowCount == 0)
      let expected = bed.committed.map { (Self.bytes($0.key), Array($0.value.text.utf8)) }
      #expect(bed.stored == Dictionary(uniqueKeysWithValues: expected))
    }
  }

  @Test func aResidentTableKeepsItsRows() throws {
    var bed = try Bed()
    let key = BookKey(shelf: 1, number: 7)
    var books = try Books(resident: Self.table, of: bed.task)
    let row = try books.row(of: key)
    for batch in 0..<3 {
      let title = Title(text: "\(batch)")
      books[row] = title
      #expect(try bed.commit(&books, [key: title]).count == 1)
      #expect(books[row] == title)
      // What has not changed since is not written again.
      #expect(try bed.commit(&books, [key: title]).isEmpty)
    }
    books = try Books(resident: Self.table, of: bed.task)
    #expect(books.rowCount == 1)
    #expect(try books.get(key) == Title(text: "2"))
    #expect(try scan(&books, shelf: 1).map(\.1) == [Title(text: "2")])
  }

  @Test func knownAbsentKeysAreNotLookedUp() throws {
    var bed = try Bed()
    let key = BookKey(shelf: 1, number: 7)
    var books = Books(Self.table, of: bed.task)
    books.put(key, Title(text: "stored"))
    _ = try bed.commit(&books, [key: Title(text: "stored")])
    // Had it looked, it would have found the title.
    #expect(try books[books.row(of: key, mayBeStored: false)] == nil)
  }

  @Test func discardedRowsLeaveNoTrace() throws {
    var bed = try Bed()
    var books = Books(Self.table, of: bed.task)
    let row = try books.row(of: BookKey(shelf: 1, number: 7))
    books[row] = Title(text: "short-lived")
    books.discard(row: row)
    #expect(try scan(&books, shelf: nil).isEmpty)
    #expect(try bed.commit(&books, [:]).isEmpty)
  }

  @Test func unreadableBytesSayWhatHelps() throws {
    var bed = try Bed()
    let empty = BookKey(shelf: 1, number: 7)
    var books = Books(Self.table, of: bed.task)
    books.put(empty, Title(text: ""))
    _ = try bed.commit(&books, [:])
    for _ in 0..<2 {
      let error = #expect(throws: StageError.self) { _ = try books.get(empty) }
      #expect(error?.reaction == .rebuildStore)
      #expect(error?.description == "the state of input[0] holds a value that can't be read: empty")
    }
    #expect(throws: StageError.self) { _ = try scan(&books, shelf: 1) }
    #expect(try scan(&books, shelf: 2).isEmpty)
    try bed.task.put(Self.table, [9].span.bytes, nil)
    let stray: [UInt8] = [2]
    try bed.task.put(Self.table, stray.span.bytes, stray.span.bytes)
    _ = try bed.commit(&books, [:])
    #expect(throws: StageError.self) { _ = try scan(&books, shelf: 2) }
  }

  /// What a body throws ends the scan, and is thrown on.
  @Test func aScanPassesItsBodysErrorOn() throws {
    var bed = try Bed()
    var books = Books(Self.table, of: bed.task)
    let keys = (UInt16(1)...3).map { BookKey(shelf: 1, number: $0) }
    books.put(keys[0], Title(text: "stored"))
    books.put(keys[1], Title(text: "stored"))
    _ = try bed.commit(&books, [:])
    books.put(keys[2], Title(text: "own"))
    for limit in 1...3 {
      var count = 0
      #expect(throws: StageError.stopped) {
        try books.scan { (_, _) throws(StageError) in
          count += 1
          if count == limit { throw .stopped }
          return true
        }
      }
      #expect(count == limit)
    }
  }
}

extension StateTableTests.ShelfKey {
  init?(decoding bytes: RawSpan) {
    guard bytes.byteCount == 1 else { return nil }
    number = bytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self)
  }
}

extension StateTableTests.BookKey {
  init?(decoding bytes: RawSpan) {
    guard bytes.byteCount == 3 else { return nil }
    shelf = bytes.unsafeLoad(fromByteOffset: 0, as: UInt8.self)
    number = UInt16(
      bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 1, as: UInt16.self))
  }
}

extension StateTableTests.Title {
  init(decoding bytes: RawSpan) throws(Failure) {
    guard bytes.byteCount > 0 else { throw .empty }
    text = String(decoding: Array(copying: bytes), as: UTF8.self)
  }
}

import EventLog
import Logging
import Recommender
import Simulation
import Streams
import Synchronization
import Testing

@testable import Pipeline

/// Records of `movies` as people write them.
@Suite struct CatalogRecordTests {
  private static let heat = #"{"movie_id":8,"title":"Heat","genres":"Crime"}"#

  private func describe(_ key: String?, _ value: String?) -> String {
    var parser = MovieRecordParser()
    func change(_ key: RawSpan?, _ value: RawSpan?) -> CatalogChange {
      CatalogChange(key: key, value: value, &parser)
    }
    let keyBytes = key.map { Array($0.utf8) }
    let valueBytes = value.map { Array($0.utf8) }
    let result =
      switch (keyBytes, valueBytes) {
      case (let key?, let value?): change(key.span.bytes, value.span.bytes)
      case (let key?, nil): change(key.span.bytes, nil)
      case (nil, let value?): change(nil, value.span.bytes)
      case (nil, nil): change(nil, nil)
      }
    switch result {
    case .put(let movie): return "put \(movie.movie) \(movie.title)"
    case .remove(let movie): return "remove \(movie)"
    case .skip(let reason): return "skip: \(reason)"
    }
  }

  @Test(
    arguments: [
      ("8", heat, "put 8 Heat"), ("\"8\"", heat, "put 8 Heat"), (" 8\n", heat, "put 8 Heat"),
      ("8", nil, "remove 8"), ("8", "null", "remove 8"), ("8", " null\r\n", "remove 8"),
      ("\"8\"", nil, "remove 8"),
      ("8", "", "skip: its value is empty"), ("8", " ", "skip: its value is empty"),
      (nil, heat, "skip: it has no key"), ("", heat, "skip: its key is not a movie's id"),
      ("\"\"", heat, "skip: its key is not"), ("x8", nil, "skip: its key is not"),
      ("12", heat, "skip: its key is 12, but its movie_id is 8"),
      ("8", "nil", "skip: "), ("8", "NULL", "skip: "), ("8", "[]", "skip: "),
      ("8", "null\n8:null", "skip: the value is"),
      ("8", "8,Heat,Crime", "skip: the value is a row of a table"),
      (
        "8", "\0\0\0\0\u{7}\u{2}\u{E}Heat",
        "skip: the value is binary behind the prefix of Confluent's schema 7"
      ), ("8", "{'movie_id': 8}", "skip: the value has single quotes"),
      (
        "8", #"{"movie_id":8 "title":"Heat"}"#,
        "skip: the value is text, but not JSON (The JSON document has an improper structure"
      ),
      ("8", #"{"movie_id":8}"#, "skip: it has no title"),
      ("8", #"{"movie_id":8,"titles":"Heat"}"#, "skip: it has no title, but there is titles"),
      ("8", #"{"movie_id":8,"title":5}"#, "skip: its title is 5: expected text"),
      (
        "8", #"{"movie_id":"x","title":"Heat"}"#, "skip: its movie_id is x: expected a whole number"
      ),
      ("8", #"{"data":\#(heat)}"#, "skip: it has no movie_id: the movie is wrapped in `data`"),
      ("8", #"{"movieId":"8","TITLE":"Heat"}"#, "put 8 Heat"),
      ("8", "\u{FEFF}\(heat)", "put 8 Heat"),
    ] as [(String?, String?, String)])
  func aRecordDoesWhatItsWriterMeant(key: String?, value: String?, change: String) {
    #expect(describe(key, value).hasPrefix(change), "\(describe(key, value))")
  }

  private final class Lines: Sendable {
    let lines = Mutex<[String]>([])
  }

  private struct Handler: LogHandler {
    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let offset = event.metadata?["offset"].map { "\($0)" } ?? "-"
      lines.lines.withLock { $0.append("\(offset) \(event.message)") }
    }
  }

  @Test func whatIsSkippedIsLoggedOnceByAllReadersTogether() throws {
    let log = MemoryLog()
    let topology = Chain.topology
    log.createTopic(topology[.movies], partitions: 1)
    let partition = TopicPartition(topology[.movies], 0)
    func append(_ key: String?, _ value: String) throws {
      try log.append(to: partition, key: key.map { Array($0.utf8) }, value: Array(value.utf8))
    }
    try append(nil, Self.heat)
    try append("8", Self.heat)
    try append("12", Self.heat)
    let lines = Lines()
    let faults = CatalogFaults(logger: Logger(label: "t") { _ in Handler(lines: lines) })
    let first = try MovieTable(log, topology: topology, clientID: "a", faults: faults)
    let second = try MovieTable(log, topology: topology, clientID: "b", faults: faults)
    #expect(first.contains(8) && second.contains(8) && !first.contains(12))
    #expect(lines.lines.withLock(\.self).map { $0.prefix(2) } == ["0 ", "2 "])
    try append("9", "")
    try second.catchUp()
    try first.catchUp()
    #expect(lines.lines.withLock(\.count) == 3 && faults.count == 3)
  }

  @Test func aKeyInAnotherFormIsNotedOnce() throws {
    let log = MemoryLog()
    let topology = Chain.topology
    log.createTopic(topology[.movies], partitions: 1)
    let partition = TopicPartition(topology[.movies], 0)
    for key in ["8", "\"8\"", "08"] {
      try log.append(to: partition, key: Array(key.utf8), value: Array(Self.heat.utf8))
    }
    let lines = Lines()
    let faults = CatalogFaults(logger: Logger(label: "t") { _ in Handler(lines: lines) })
    let movies = try MovieTable(log, topology: topology, clientID: "a", faults: faults)
    #expect(movies.contains(8) && faults.count == 0)
    #expect(lines.lines.withLock(\.self).map { $0.prefix(2) } == ["1 "])
  }

  @Test func aTopicOfSomethingElseDoesNotFillTheLog() {
    let lines = Lines()
    let faults = CatalogFaults(logger: Logger(label: "t") { _ in Handler(lines: lines) })
    for offset in 0..<1_000 as Range<Int64> {
      faults.note(topic: "movies", partition: 0, offset: offset, reason: "r")
    }
    #expect(faults.count == 1_000)
    #expect(lines.lines.withLock(\.count) == CatalogFaults.mostLogged + 1)
  }
}

import EventLog
import Foundation
import Streams
import Synchronization
import Testing

@testable import EventStream

/// A directory that lasts as long as its test.
final class Directory {
  let path: String

  init(name: String = "") throws {
    let url = FileManager.default.temporaryDirectory
      .appending(path: "events-\(UUID().uuidString.prefix(8))\(name)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var socket: String { "\(path)/events.sock" }
  var hasSocket: Bool { FileManager.default.fileExists(atPath: socket) }
}

struct EventServerTests {
  private let directory: Directory

  init() throws { directory = try Directory() }

  private var deadline: ContinuousClock.Instant { .now + .seconds(20) }

  private func batch(_ records: Int, stage: String = "user") -> EngineEvent {
    EngineEvent(
      stage: stage,
      .batchCommitted(
        BatchSummary(
          records: records, bytes: 0, redeliveries: 0, open: .zero, steps: [],
          positions: [TopicPartition("t", 0): PartitionPosition(nextOffset: 1, endOffset: 1)])))
  }

  private func snapshot(_ client: inout EventClient) throws -> StatusBoard {
    let message = try #require(try client.next(until: deadline))
    guard case .snapshot(let board, _) = message.content else {
      throw EventStreamError.malformed("\(message)")
    }
    return board
  }

  /// The next event of a stage.
  private func event(_ client: inout EventClient) throws -> EngineEvent {
    while true {
      let message = try #require(try client.next(until: deadline))
      switch message.content {
      case .event(let event): return event
      case .daemon: continue
      case .snapshot: throw EventStreamError.malformed("\(message)")
      }
    }
  }

  @Test func aClientGetsTheStatusAndThenEachEvent() throws {
    let server = try EventServer(path: directory.socket, board: StatusBoard(stage: "user"))
    defer { server.stop() }
    server.sink.receive(batch(3))
    let before = Time.now()
    var client = try EventClient(path: directory.socket)
    let message = try #require(try client.next(until: deadline))
    #expect((before...Time.now()).contains(message.time))
    guard case .snapshot(let board, _) = message.content else {
      Issue.record("\(message)")
      return
    }
    #expect(board.stages.map(\.stage) == ["user"] && board.status(of: "user").records == 3)
    for records in 4..<8 { server.sink.receive(batch(records)) }
    for records in 4..<8 { #expect(try event(&client) == batch(records)) }
    #expect(try client.next(until: .now) == nil)
  }

  @Test func theDaemonsOwnEventsAreServed() throws {
    let board = StatusBoard(["a", "b"].map { StatusBoard.Entry(StageStatus(stage: $0)) })
    let server = try EventServer(path: directory.socket, board: board)
    defer { server.stop() }
    func isReady() throws -> Bool {
      var client = try EventClient(path: directory.socket)
      guard case .snapshot(_, let isReady) = try client.next(until: deadline)?.content else {
        throw EventStreamError.closed
      }
      return isReady
    }
    var client = try EventClient(path: directory.socket, includesBatches: false)
    _ = try snapshot(&client)
    server.announceStart(application: "app", instance: "one", guarantee: "exactly_once")
    #expect(
      try client.next(until: deadline)?.content
        == .daemon(.starting(application: "app", instance: "one", guarantee: "exactly_once")))
    let events = [
      EngineEvent(stage: "a", .processing([])), batch(1, stage: "a"),
      EngineEvent(stage: "b", .processing([])), EngineEvent(stage: "b", .joining(group: "g")),
      EngineEvent(stage: "b", .processing([])),
    ]
    server.sink.receive(events[0])
    #expect(try client.next(until: deadline)?.content == .event(events[0]))
    #expect(try !isReady())
    for event in events.dropFirst() { server.sink.receive(event) }
    #expect(try client.next(until: deadline)?.content == .event(events[2]))
    #expect(try client.next(until: deadline)?.content == .daemon(.ready))
    // It is ready once.
    #expect(try client.next(until: deadline)?.content == .event(events[3]))
    #expect(try client.next(until: deadline)?.content == .event(events[4]))
    #expect(try isReady())
    #expect(try client.next(until: .now) == nil)
  }

  @Test func severalClientsComeAndGo() throws {
    let server = try EventServer(path: directory.socket)
    defer { server.stop() }
    var first = try EventClient(path: directory.socket)
    #expect(try snapshot(&first).stages.isEmpty)
    server.sink.receive(batch(1))
    do {
      var second = try EventClient(path: directory.socket)
      #expect(try snapshot(&second).status(of: "user").records == 1)
      server.sink.receive(batch(2))
      #expect(try event(&second) == batch(2))
    }
    server.sink.receive(batch(3))
    for records in 1...3 { #expect(try event(&first) == batch(records)) }
  }

  /// Whatever the moment a client comes, the snapshot and the events after it are the whole story.
  @Test func nothingIsMissedOrToldTwice() throws {
    let server = try EventServer(path: directory.socket)
    defer { server.stop() }
    let count = 2_000
    let ended = Atomic(0)
    for stage in ["one", "two"] {
      let (sink, batch) = (server.sink, batch(1, stage: stage))
      Thread {
        for _ in 0..<count { sink.receive(batch) }
        ended.add(1, ordering: .relaxed)
      }.start()
    }
    repeat {
      var client = try EventClient(path: directory.socket)
      var board = try snapshot(&client)
      while board.stages.reduce(0, { $0 + $1.records }) < 2 * count {
        board.apply(try event(&client))
      }
      #expect(board.stages.map(\.records) == [Int64(count), Int64(count)])
      #expect(try client.next(until: .now) == nil)
    } while ended.load(ordering: .relaxed) < 2
  }

  @Test func aSlowClientIsDroppedAndHoldsNobodyUp() throws {
    var limits = EventServer.Limits()
    limits.waitingBytes = 1 << 16
    let server = try EventServer(path: directory.socket, limits: limits)
    defer { server.stop() }
    var slow = try EventClient(path: directory.socket)
    _ = try snapshot(&slow)
    var quick = try EventClient(path: directory.socket)
    _ = try snapshot(&quick)
    // More than the sockets' own buffers take.
    let event = EngineEvent(stage: "user", .joining(group: String(repeating: "g", count: 10_000)))
    let count = 400
    for _ in 0..<count {
      server.sink.receive(event)
      #expect(try self.event(&quick) == event)
    }
    var read = 0
    #expect(throws: EventStreamError.closed) {
      while try slow.next(until: deadline) != nil { read += 1 }
    }
    #expect(read > 0 && read < count)
  }

  /// The server's thread gets no time: stages go on, and clients learn that they have missed
  /// events.
  @Test func eventsThatNobodySendsAreLostAloud() throws {
    var limits = EventServer.Limits()
    limits.waitingEvents = 10
    let server = try EventServer(path: directory.socket, limits: limits)
    defer { server.stop() }
    var client = try EventClient(path: directory.socket)
    _ = try snapshot(&client)
    var sent = 0
    #expect(throws: EventStreamError.closed) {
      while true {
        for _ in 0..<100 { server.sink.receive(batch(1)) }
        sent += 100
        while try client.next(until: .now) != nil {}
        try #require(sent < 10_000_000)
      }
    }
    var next = try EventClient(path: directory.socket)
    #expect(try snapshot(&next).status(of: "user").records == sent)
  }

  @Test func onlyItsOwnerMayConnect() throws {
    let server = try EventServer(path: directory.socket)
    defer { server.stop() }
    let attributes = try FileManager.default.attributesOfItem(atPath: directory.socket)
    #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
  }

  @Test func theSocketGoesWithTheServer() throws {
    let server = try EventServer(path: directory.socket)
    var client = try EventClient(path: directory.socket)
    _ = try snapshot(&client)
    server.sink.receive(EngineEvent(stage: "user", .stopped(nil)))
    server.stop()
    server.stop()
    #expect(!directory.hasSocket)
    #expect(try event(&client) == EngineEvent(stage: "user", .stopped(nil)))
    #expect(throws: EventStreamError.closed) { try client.next(until: deadline) }
    #expect(throws: EventStreamError.self) { _ = try EventClient(path: directory.socket) }
    server.sink.receive(batch(1))
  }

  @Test func aDeadProcesssSocketIsReplaced() throws {
    do { _ = try UnixSocket.listen(at: directory.socket) }
    #expect(directory.hasSocket)
    let server = try EventServer(path: directory.socket)
    defer { server.stop() }
    var client = try EventClient(path: directory.socket)
    #expect(try snapshot(&client).stages.isEmpty)
  }

  @Test func aLivingProcesssSocketIsNot() throws {
    let server = try EventServer(path: directory.socket)
    defer { server.stop() }
    #expect(throws: EventStreamError.inUse(path: directory.socket)) {
      try EventServer(path: directory.socket)
    }
    var client = try EventClient(path: directory.socket)
    #expect(try snapshot(&client).stages.isEmpty)
  }

  @Test func anotherFileIsLeftAlone() throws {
    try Data("mine".utf8).write(to: URL(fileURLWithPath: directory.socket))
    #expect(throws: EventStreamError.self) { try EventServer(path: directory.socket) }
    #expect(try String(contentsOfFile: directory.socket, encoding: .utf8) == "mine")
  }

  /// A socket's address has room for 107 bytes.
  @Test func aPathMayBeLong() throws {
    let directory = try Directory(name: String(repeating: "x", count: 150))
    let server = try EventServer(path: directory.socket)
    #expect(directory.hasSocket)
    var client = try EventClient(path: directory.socket)
    #expect(try snapshot(&client).stages.isEmpty)
    server.stop()
    #expect(!directory.hasSocket)
  }

  @Test func aDirectoryThatIsMissingIsNamed() {
    let error = #expect(throws: EventStreamError.self) {
      try EventServer(path: "\(directory.path)/missing/events.sock")
    }
    #expect(error?.description.contains("missing/events.sock") == true)
  }
}

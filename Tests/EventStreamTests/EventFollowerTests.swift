import Foundation
import Streams
import Synchronization
import TestSupport
import Testing

@testable import EventStream

struct EventFollowerTests {
  private final class Received: Sendable {
    private let messages = Mutex<[EventMessage.Content]>([])

    func append(_ message: EventMessage) { messages.withLock { $0.append(message.content) } }

    /// The first messages, once there are so many.
    func first(_ count: Int) throws -> [EventMessage.Content] {
      try wait { messages.withLock(\.count) >= count }
      return messages.withLock { Array($0.prefix(count)) }
    }

    var count: Int { messages.withLock(\.count) }
  }

  private let directory: Directory
  private let received = Received()

  init() throws { directory = try Directory() }

  private func event(_ group: String) -> EngineEvent {
    EngineEvent(stage: "user", .joining(group: group))
  }

  private var empty: EventMessage.Content { .snapshot(StatusBoard(), isReady: false) }

  @Test func itWaitsForADaemonAndForTheNextOne() throws {
    let follower = EventFollower(path: directory.socket, receive: received.append)
    defer { follower.stop() }
    do {
      let server = try EventServer(path: directory.socket)
      defer { server.stop() }
      #expect(try received.first(1) == [empty])
      server.sink.receive(event("one"))
      server.sink.receive(event("two"))
    }
    let server = try EventServer(path: directory.socket)
    defer { server.stop() }
    #expect(
      try received.first(4) == [empty, .event(event("one")), .event(event("two")), empty])
    server.sink.receive(event("three"))
    #expect(try received.first(5).last == .event(event("three")))
  }

  @Test func itHandsOverBatchesUnlessTheyAreNotWanted() throws {
    let server = try EventServer(path: directory.socket)
    defer { server.stop() }
    let others = Received()
    let followers = [
      EventFollower(path: directory.socket, receive: received.append),
      EventFollower(path: directory.socket, includesBatches: false, receive: others.append),
    ]
    defer { for follower in followers { follower.stop() } }
    _ = try (received.first(1), others.first(1))
    let positions = EngineEvent(stage: "user", .positions([:]))
    server.sink.receive(positions)
    server.sink.receive(event("one"))
    #expect(try received.first(3) == [empty, .event(positions), .event(event("one"))])
    #expect(try others.first(2) == [empty, .event(event("one"))])
  }

  @Test func onceStoppedItHandsOverNothing() throws {
    let server = try EventServer(path: directory.socket)
    defer { server.stop() }
    let follower = EventFollower(path: directory.socket, receive: received.append)
    _ = try received.first(1)
    follower.stop()
    var other = try EventClient(path: directory.socket)
    _ = try other.next(until: .now + .seconds(20))
    server.sink.receive(event("one"))
    #expect(try other.next(until: .now + .seconds(20))?.content == .event(event("one")))
    #expect(received.count == 1)
  }
}

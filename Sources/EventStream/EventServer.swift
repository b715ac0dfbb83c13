import Dispatch
import Foundation
public import Streams
import Synchronization

/// Serves a process's events on a Unix socket, as lines of JSON: each client gets the status of all
/// stages, and then each event as it happens.
///
/// A stage only puts its event into a queue. The server's own thread writes to the clients and
/// drops those that read too slowly.
public final class EventServer: Sendable {
  public struct Limits: Hashable, Sendable {
    /// The most clients at a time; further ones are disconnected.
    public var clients = 64
    /// The most bytes that may wait for one client.
    public var waitingBytes = 4 << 20
    /// The most events that may wait for the server's thread.
    public var waitingEvents = 10_000
    /// How long the thread gathers events after it has sent some. Waking it for each of many small
    /// batches costs a stage more than the batch's event is worth.
    public var gathering = Duration.milliseconds(10)

    public init() {}
  }

  private struct State {
    var board: StatusBoard
    /// Whether all stages have been running at once.
    var isReady = false
    var waiting: [EventMessage] = []
    /// Whether anybody reads the events.
    var hasClients = false
    /// Whether events were dropped, so that every client misses some.
    var hasLost = false
    var isStopped = false

    mutating func take() -> (messages: [EventMessage], hasLost: Bool) {
      defer {
        waiting.removeAll()
        hasLost = false
      }
      return (waiting, hasLost)
    }

    /// - Returns: whether the server's thread must be woken.
    mutating func queue(_ content: EventMessage.Content, limit: Int) -> Bool {
      guard hasClients else { return false }
      if waiting.count >= limit {
        waiting.removeAll()
        hasLost = true
      }
      waiting.append(EventMessage(time: Time.now(), content))
      return waiting.count == 1
    }

    mutating func forgetClients() {
      hasClients = false
      _ = take()
    }
  }

  private let path: String
  private let limits: Limits
  private let state: Mutex<State>
  private let listener: Descriptor
  private let waker: Waker
  private let ended = DispatchSemaphore(value: 0)

  /// Makes the socket and starts the thread.
  ///
  /// - Parameters:
  ///   - path: of the socket; its directory exists. A dead process's socket is replaced.
  ///   - board: the stages that a snapshot lists before their first event.
  public init(path: String, board: StatusBoard = StatusBoard(), limits: Limits = Limits())
    throws(EventStreamError)
  {
    self.path = path
    self.limits = limits
    state = Mutex(State(board: board))
    waker = try Waker(for: path)
    listener = try UnixSocket.listen(at: path)
    let thread = Thread { [self] in serve() }
    thread.name = "events"
    thread.start()
  }

  /// Receives the events to serve.
  public var sink: EventSink { EventSink { [self] in receive($0) } }

  /// Sends clients what they can take without waiting, disconnects them and removes the socket.
  public func stop() {
    let isFirst = state.withLock { state in
      defer { state.isStopped = true }
      return !state.isStopped
    }
    guard isFirst else { return }
    waker.wake()
    ended.wait()
  }

  /// Tells clients that the stages start.
  public func announceStart(application: String, instance: String, guarantee: String) {
    let event = DaemonEvent.starting(
      application: application, instance: instance, guarantee: guarantee)
    let wakes = state.withLock { $0.queue(.daemon(event), limit: limits.waitingEvents) }
    if wakes { waker.wake() }
  }

  private func receive(_ event: EngineEvent) {
    let wakes = state.withLock { state in
      state.board.apply(event)
      let wakes = state.queue(.event(event), limit: limits.waitingEvents)
      guard !state.isReady, state.board.isRunning else { return wakes }
      state.isReady = true
      return state.queue(.daemon(.ready), limit: limits.waitingEvents) || wakes
    }
    if wakes { waker.wake() }
  }

  // MARK: The server's thread

  private func serve() {
    var writer = EventWriter()
    var clients: [StreamConnection] = []
    var hasSent = false
    while !state.withLock(\.isStopped) {
      let hasVisitor = wait(for: clients, gathers: hasSent)
      hasSent = send(to: &clients, &writer)
      if hasVisitor { admit(to: &clients, &writer) }
      for client in clients { client.flush() }
      clients.removeAll(where: \.isOver)
      if clients.isEmpty { state.withLock { $0.forgetClients() } }
    }
    _ = send(to: &clients, &writer)
    for client in clients { client.flush() }
    unlink(path)
    ended.signal()
  }

  /// Waits until there is something to do.
  ///
  /// - Parameter gathers: whether events may wait a while for others.
  /// - Returns: whether a new client is waiting.
  private func wait(for clients: [StreamConnection], gathers: Bool) -> Bool {
    let readable = Int16(POLLIN)
    var entries = [
      // A negative number is not waited for.
      pollfd(fd: gathers ? -1 : waker.number, events: readable, revents: 0),
      pollfd(fd: listener.number, events: readable, revents: 0),
    ]
    for client in clients {
      let events = client.isWaiting ? readable | Int16(POLLOUT) : readable
      entries.append(pollfd(fd: client.number, events: events, revents: 0))
    }
    let timeout = gathers ? Int32(limits.gathering / .milliseconds(1)) : -1
    let count = poll(&entries, nfds_t(entries.count), timeout)
    waker.settle()
    guard count > 0 else { return false }
    for (client, entry) in zip(clients, entries.dropFirst(2))
    where entry.revents & ~Int16(POLLOUT) != 0 {
      client.hear()
    }
    return entries[1].revents != 0
  }

  /// - Returns: whether there were events to send.
  private func send(to clients: inout [StreamConnection], _ writer: inout EventWriter) -> Bool {
    let (messages, hasLost) = state.withLock { $0.take() }
    if hasLost { clients.removeAll() }
    for message in messages where !clients.isEmpty {
      let line = writer.line(message)
      for client in clients { client.append(line) }
    }
    return !messages.isEmpty
  }

  private func admit(to clients: inout [StreamConnection], _ writer: inout EventWriter) {
    while let socket = UnixSocket.accept(listener) {
      guard clients.count < limits.clients else { continue }
      let client = StreamConnection(socket, limit: limits.waitingBytes)
      let (snapshot, before, hasLost) = state.withLock { state in
        state.hasClients = true
        let (messages, hasLost) = state.take()
        let snapshot = EventMessage(
          time: Time.now(), .snapshot(state.board, isReady: state.isReady))
        return (snapshot, messages, hasLost)
      }
      // The snapshot includes events that the other clients still have to get.
      if hasLost { clients.removeAll() }
      for message in before {
        let line = writer.line(message)
        for client in clients { client.append(line) }
      }
      client.append(writer.line(snapshot))
      clients.append(client)
    }
  }
}

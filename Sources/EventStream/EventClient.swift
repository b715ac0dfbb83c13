import Glibc

/// Follows a daemon's events. Belongs to one thread.
public struct EventClient: ~Copyable {
  private let socket: Descriptor
  private let includesBatches: Bool
  private var received: [UInt8] = []
  /// How many bytes at the start of `received` are known to contain no newline.
  private var searched = 0
  private var isClosed = false

  /// Connects to the socket of a daemon.
  ///
  /// - Parameter includesBatches: whether `next` returns `batchCommitted` and `positions`, which
  ///   are most of the stream. Skipping them costs less than reading them.
  public init(path: String, includesBatches: Bool = true) throws(EventStreamError) {
    self.includesBatches = includesBatches
    socket = try UnixSocket.connect(to: path)
  }

  /// The next message: first the snapshot, then events. Events of unknown kinds are skipped.
  ///
  /// - Parameter deadline: how long to wait; one in the past takes only what has arrived.
  /// - Returns: `nil` if nothing has come by then.
  /// - Throws: `.closed` after the last message, once the daemon has closed the connection.
  public mutating func next(until deadline: ContinuousClock.Instant) throws(EventStreamError)
    -> EventMessage?
  {
    while true {
      while let line = takeLine() {
        if !includesBatches, EventName.isOfBatch(line) { continue }
        if let message = try EventMessage(line: line) { return message }
      }
      guard !isClosed else { throw .closed }
      if try receive() { continue }
      guard try isReadable(by: deadline) else { return nil }
    }
  }

  private mutating func takeLine() -> [UInt8]? {
    guard let end = received[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
      searched = received.count
      return nil
    }
    let line = Array(received[..<end])
    received.removeSubrange(...end)
    searched = 0
    return line
  }

  /// - Returns: whether anything has arrived, including the end of the stream.
  private mutating func receive() throws(EventStreamError) -> Bool {
    let room = 1 << 16
    var buffer = [UInt8](repeating: 0, count: room)
    let count = buffer.withUnsafeMutableBytes { recv(socket.number, $0.baseAddress, room, 0) }
    guard count < 0 else {
      isClosed = count == 0
      received.append(contentsOf: buffer[..<count])
      return true
    }
    switch errno {
    case EINTR: return true
    case EAGAIN: return false
    case ECONNRESET:
      isClosed = true
      return true
    default: throw UnixSocket.failure("read", "the event stream")
    }
  }

  private func isReadable(by deadline: ContinuousClock.Instant) throws(EventStreamError) -> Bool {
    let left = max(.zero, deadline - .now)
    let milliseconds = Int32(min((left / .milliseconds(1)).rounded(.up), 1e9))
    var entry = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
    let count = poll(&entry, 1, milliseconds)
    guard count < 0 else { return count > 0 }
    guard errno == EINTR else { throw UnixSocket.failure("wait for", "the event stream") }
    return true
  }
}

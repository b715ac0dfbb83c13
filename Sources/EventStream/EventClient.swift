import Glibc

/// Follows a daemon's events. Belongs to one thread.
public struct EventClient: ~Copyable {
  private let socket: Descriptor
  private var received: [UInt8] = []
  /// Bytes at the beginning of `received` that hold no newline.
  private var searched = 0
  private var isClosed = false

  /// Connects to the socket of a daemon.
  public init(path: String) throws(EventStreamError) {
    socket = try UnixSocket.connect(to: path)
  }

  /// The next message: the snapshot at first, then events. Events of kinds that this program does
  /// not know are left out.
  ///
  /// - Parameter deadline: how long to wait for it; one that has passed takes what is there.
  /// - Returns: `nil` when none has come by then.
  /// - Throws: `.closed` once everything the daemon has sent is read.
  public mutating func next(until deadline: ContinuousClock.Instant) throws(EventStreamError)
    -> EventMessage?
  {
    while true {
      while let line = takeLine() {
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

  /// - Returns: whether there is something new, be it the end.
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

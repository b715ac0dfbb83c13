import Glibc

/// The server's end of one client's connection. Belongs to the server's thread.
final class StreamConnection {
  private let socket: Descriptor
  private let limit: Int
  /// Lines that the socket had no room for yet; those before `sent` are gone.
  private var waiting: [UInt8] = []
  private var sent = 0
  /// Whether the client has gone, or is to go.
  private(set) var isOver = false

  /// - Parameter limit: the most bytes that may wait for the client.
  init(_ socket: consuming Descriptor, limit: Int) {
    self.socket = socket
    self.limit = limit
  }

  var number: Int32 { socket.number }
  var isWaiting: Bool { sent < waiting.count }

  /// Takes a line to send. A client that reads too slowly is dropped: it knows from the end of the
  /// stream that it misses something.
  func append(_ line: [UInt8]) {
    if sent > limit / 2 {
      waiting.removeSubrange(..<sent)
      sent = 0
    }
    guard waiting.count - sent + line.count <= limit else { return isOver = true }
    waiting.append(contentsOf: line)
  }

  /// Sends what the socket has room for, without waiting.
  func flush() {
    while isWaiting, !isOver {
      let count = waiting.withUnsafeBytes {
        send(
          socket.number, $0.baseAddress.map { $0 + sent }, $0.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN { return }
      guard count > 0 else { return isOver = true }
      sent += count
    }
    if !isWaiting {
      waiting.removeAll(keepingCapacity: waiting.capacity <= 1 << 16)
      sent = 0
    }
  }

  /// Looks whether the client has gone. What it says is not listened to.
  func hear() {
    var buffer: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    while true {
      let count = withUnsafeMutableBytes(of: &buffer) {
        recv(socket.number, $0.baseAddress, $0.count, 0)
      }
      if count > 0 || (count < 0 && errno == EINTR) { continue }
      if count == 0 || errno != EAGAIN { isOver = true }
      return
    }
  }
}

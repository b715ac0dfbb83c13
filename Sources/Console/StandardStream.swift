import Foundation

/// Standard output and error of a command that outlives their readers: a closed pipe or terminal is
/// no crash, and can be noticed without writing.
package enum StandardStream: Int32, Sendable {
  case output = 1
  case error = 2

  /// Writes what fits: the rest of a text has no reader if not all of it does.
  ///
  /// - Returns: false when nobody reads any more.
  @discardableResult
  package func write(_ text: String) -> Bool {
    // What `print` has buffered comes first.
    fflush(nil)
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Foundation.write(rawValue, $0.baseAddress, $0.count) }
      if count > 0 {
        bytes = bytes.dropFirst(count)
      } else if count < 0, errno == EAGAIN {
        waitForRoom()
      } else if count == 0 || errno != EINTR {
        return false
      }
    }
    return true
  }

  /// Whether a pipe's reader or a terminal has gone.
  package var isAbandoned: Bool {
    var descriptor = pollfd(fd: rawValue, events: 0, revents: 0)
    guard poll(&descriptor, 1, 0) > 0 else { return false }
    return descriptor.revents & Int16(POLLERR | POLLHUP) != 0
  }

  /// A terminal or pipe that another process has made non-blocking may be full.
  private func waitForRoom() {
    var descriptor = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
    _ = poll(&descriptor, 1, 1000)
  }
}

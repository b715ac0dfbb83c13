import Foundation
import Synchronization

/// Standard output and error of a command that outlives their readers: a closed pipe or terminal is
/// no crash, and can be noticed without writing.
package enum StandardStream: Int32, Sendable {
  case output = 1
  case error = 2

  /// Why standard output could not be written; 0 if it could.
  private static let failure = Atomic<Int32>(0)

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
        if self == .output, errno != EPIPE { Self.failure.store(errno, ordering: .relaxed) }
        return false
      }
    }
    return true
  }

  /// Makes sure that no file or socket is opened under the number of a closed stream. What is
  /// written to it fails then, as it should.
  package static func occupyClosed() {
    for (number, flags) in [(0, O_WRONLY), (1, O_RDONLY), (2, O_RDONLY)] as [(Int32, Int32)]
    where fcntl(number, F_GETFD) < 0 {
      _ = open("/dev/null", flags)
    }
  }

  /// Lets the process exit with 1 and one line if not all of standard output could be written. A
  /// reader that has gone is fine: it has seen enough.
  package static func failAtExitIfOutputIsLost() {
    atexit {
      var number = StandardStream.failure.load(ordering: .relaxed)
      if let loss = PrintedText.loss(), number == 0 { number = loss }
      guard number != 0, !StandardStream.output.isAbandoned else { return }
      let reason = number > 0 ? ": \(String(cString: strerror(number)))" : ""
      _ = StandardStream.error.write("projectionist: can't write all of standard output\(reason)\n")
      _exit(1)
    }
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

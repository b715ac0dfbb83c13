import Glibc
import Synchronization

/// A file descriptor that log lines are written to, whole, from any thread.
package final class LogSink: Sendable {
  static let standardError = LogSink(descriptor: STDERR_FILENO)

  private let descriptor: Int32
  /// Kept from line to line, so that a line costs no allocation once it has grown.
  private let buffer = Mutex<[UInt8]>([])

  /// - Parameter descriptor: open for as long as the sink lives; not closed by it.
  init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  var isTerminal: Bool { isatty(descriptor) == 1 }

  /// Writes the line that `body` appends to the empty buffer, and a newline. A line that can't be
  /// written is lost: there is nowhere to say so.
  func writeLine(_ body: (inout [UInt8]) -> Void) {
    buffer.withLock { buffer in
      buffer.removeAll(keepingCapacity: true)
      body(&buffer)
      buffer.append(UInt8(ascii: "\n"))
      var written = 0
      while written < buffer.count {
        let count = buffer.withUnsafeBytes {
          write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written)
        }
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return }
        written += count
      }
    }
  }
}

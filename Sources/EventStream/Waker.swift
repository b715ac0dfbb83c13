import Glibc

/// Lets other threads end a thread's wait for its sockets.
final class Waker: Sendable {
  private let reading: Descriptor
  private let writing: Descriptor

  init(for path: String) throws(EventStreamError) {
    var ends: (Int32, Int32) = (0, 0)
    let type = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
    let result = withUnsafeMutableBytes(of: &ends) {
      socketpair(AF_UNIX, Int32(type), 0, $0.baseAddress?.assumingMemoryBound(to: Int32.self))
    }
    guard result == 0 else { throw UnixSocket.failure("make a pair of sockets for", path) }
    reading = Descriptor(ends.0)
    writing = Descriptor(ends.1)
  }

  /// Readable after a `wake`.
  var number: Int32 { reading.number }

  func wake() {
    var byte: UInt8 = 0
    // A full socket has enough to wake for.
    _ = write(writing.number, &byte, 1)
  }

  func settle() {
    var bytes: (UInt64, UInt64) = (0, 0)
    while withUnsafeMutableBytes(of: &bytes, { read(reading.number, $0.baseAddress, $0.count) }) > 0
    {}
  }
}

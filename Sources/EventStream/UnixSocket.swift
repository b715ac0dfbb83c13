import Glibc

/// A file descriptor of ours, closed with its owner.
struct Descriptor: ~Copyable {
  let number: Int32

  init(_ number: Int32) {
    self.number = number
  }

  deinit { close(number) }
}

/// Unix domain stream sockets at paths of any length.
enum UnixSocket {
  /// A socket that waits for clients at `path`, with rights for its owner only. A file that a dead
  /// process has left there is replaced.
  ///
  /// - Throws: `.inUse` when a living process serves the path.
  static func listen(at path: String) throws(EventStreamError) -> Descriptor {
    if try isServed(path) { throw .inUse(path: path) }
    unlink(path)
    let socket = try make(path)
    // The file gets the socket's mode: nobody can connect before it is right.
    fchmod(socket.number, S_IRUSR | S_IWUSR)
    try withAddress(of: path) { address, length in
      Glibc.bind(socket.number, address, length)
    } failure: {
      failure("make", path)
    }
    guard Glibc.listen(socket.number, 16) == 0 else { throw failure("listen at", path) }
    return socket
  }

  /// A socket connected to whoever serves `path`.
  static func connect(to path: String) throws(EventStreamError) -> Descriptor {
    let socket = try make(path)
    try withAddress(of: path) { address, length in
      Glibc.connect(socket.number, address, length)
    } failure: {
      failure("connect to", path)
    }
    return socket
  }

  /// The next client that waits; `nil` when there is none.
  static func accept(_ listener: borrowing Descriptor) -> Descriptor? {
    let number = Glibc.accept(listener.number, nil, nil)
    guard number >= 0 else { return nil }
    let client = Descriptor(number)
    guard fcntl(number, F_SETFL, O_NONBLOCK) == 0, fcntl(number, F_SETFD, FD_CLOEXEC) == 0 else {
      return nil
    }
    return client
  }

  private static func isServed(_ path: String) throws(EventStreamError) -> Bool {
    var status = stat()
    guard lstat(path, &status) == 0 else { return false }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw .system(operation: "make", path: path, reason: "there is a file that is no socket")
    }
    do throws(EventStreamError) {
      _ = try connect(to: path)
      return true
    } catch { return false }
  }

  private static func make(_ path: String) throws(EventStreamError) -> Descriptor {
    let type = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
    let number = socket(AF_UNIX, Int32(type), 0)
    guard number >= 0 else { throw failure("make a socket for", path) }
    return Descriptor(number)
  }

  /// Calls `body` with the address of a path. An address has room for 107 bytes, so a longer path
  /// is reached through its directory's descriptor.
  private static func withAddress(
    of path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32,
    failure: () -> EventStreamError
  ) throws(EventStreamError) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    var name = path
    var directory: Descriptor?
    if path.utf8.count >= room {
      let end = path.lastIndex(of: "/") ?? path.startIndex
      let opened = open(String(path[..<end]), O_DIRECTORY | O_CLOEXEC)
      guard opened >= 0 else { throw failure() }
      directory = Descriptor(opened)
      name = "/proc/self/fd/\(opened)\(path[end...])"
    }
    guard name.utf8.count < room else {
      throw .system(operation: "use", path: path, reason: "the name is too long")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name.utf8) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    let error = result == 0 ? nil : failure()
    // Open until here: the address goes through it.
    _ = consume directory
    if let error { throw error }
  }

  static func failure(_ operation: String, _ path: String) -> EventStreamError {
    .system(operation: operation, path: path, reason: String(cString: strerror(errno)))
  }
}

package import Console
import Foundation
package import RedisProjection

/// A redis-server of this process's own: on a free loopback port, with nothing saved. It is gone
/// when this object is.
package final class RedisServerProcess: Sendable {
  private static let startDeadline = Duration.seconds(20)
  private static let stopDeadline = Duration.seconds(5)
  /// Another process may take a free port before the server does.
  private static let attempts = 20
  private static let readyLine = "Ready to accept connections"

  package let port: UInt16
  package let process: ChildProcess

  /// Returns once the server answers.
  ///
  /// - Parameters:
  ///   - directory: where its log goes.
  ///   - options: more of redis-server's own, such as `["--maxmemory", "1gb"]`.
  package init(directory: TemporaryDirectory, options: [String] = []) throws(CommandFailure) {
    let log = directory.file("redis.log")
    for _ in 0..<Self.attempts {
      let port = try Self.freePort()
      try? FileManager.default.removeItem(atPath: log)
      let process: ChildProcess
      do throws(CommandFailure) {
        process = try Self.start(port: port, log: log, directory: directory.path, options)
      } catch {
        throw CommandFailure(
          error.status, "\(error.message); install it (Debian: redis-server) or name a running one")
      }
      if try Self.waitUntilReady(process, port: port, log: log) {
        self.port = port
        self.process = process
        return
      }
    }
    throw CommandFailure(.failure, "redis-server does not start: \(Self.lastLine(of: log))")
  }

  deinit { stop() }

  /// How to reach it.
  package var configuration: RedisConfiguration {
    RedisConfiguration(address: .tcp(host: "127.0.0.1", port: port))
  }

  package func stop() { process.terminate(Self.stopDeadline) }

  private static func start(port: UInt16, log: String, directory: String, _ options: [String])
    throws(CommandFailure) -> ChildProcess
  {
    try ChildProcess(
      "redis-server", executable: "redis-server",
      arguments: [
        "--port", String(port), "--bind", "127.0.0.1", "--dir", directory, "--save", "",
        "--appendonly", "no", "--daemonize", "no", "--logfile", log,
      ] + options)
  }

  /// False when the server ends instead. Its own log tells, because another server on its port
  /// would answer as well.
  private static func waitUntilReady(_ process: ChildProcess, port: UInt16, log: String)
    throws(CommandFailure) -> Bool
  {
    let deadline = ContinuousClock.now + startDeadline
    while process.wait(.milliseconds(5)) == nil {
      if text(of: log).contains(readyLine) {
        let configuration = RedisConfiguration(address: .tcp(host: "127.0.0.1", port: port))
        if let connection = try? RedisConnection(configuration), (try? connection.ping()) != nil {
          return true
        }
      }
      guard ContinuousClock.now < deadline else {
        throw CommandFailure(
          .unavailable, "redis-server does not answer on port \(port): \(lastLine(of: log))")
      }
    }
    return false
  }

  private static func text(of file: String) -> String {
    (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
  }

  private static func lastLine(of file: String) -> String {
    text(of: file).split(separator: "\n").last.map(String.init) ?? "it wrote no log"
  }

  /// A loopback port that nothing listened on a moment ago.
  package static func freePort() throws(CommandFailure) -> UInt16 {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(socket, pointer, length) == 0 && getsockname(socket, pointer, &length) == 0
      }
    }
    guard isBound else { throw CommandFailure(.failure, "there is no free loopback port") }
    return UInt16(bigEndian: address.sin_port)
  }
}

import Glibc
import TestSupport
import Testing

@testable import RedisProjection

/// A redis-server for one test, on a free loopback port, which saves nothing.
final class RedisServer {
  private(set) var port: UInt16 = 0
  private let options: [String]
  private let directory: String
  private var process: pid_t = 0

  var configuration: RedisConfiguration {
    RedisConfiguration(
      address: .tcp(host: "127.0.0.1", port: port), connectTimeout: .seconds(2),
      commandTimeout: .seconds(20))
  }

  /// Makes a project's record, and the right to write under it.
  func makePermit(project: String = "movies", epoch: UInt64 = 1) throws -> ProjectionPermit {
    let owner = ProjectionRecord.Owner(application: "test", cluster: "c")
    let keeper = ProjectionKeeper(configuration, project: project)
    _ = try keeper.begin(ProjectionRecord(owner: owner, epoch: epoch))
    return ProjectionPermit(project: project, owner: owner, epoch: epoch)
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  init(_ options: [String] = []) throws {
    var template = Array("/tmp/redis-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Failure(description: "no temporary directory") }
    directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    self.options = options
    // Another process may take a free port before the server does.
    for _ in 0..<20 {
      port = try Self.freePort()
      if try spawn() { return }
    }
    throw Failure(description: "redis-server found no free port")
  }

  deinit {
    stop()
    rmdir(directory)
  }

  /// Restarts the stopped server on its port.
  func start() throws {
    guard try spawn() else { throw Failure(description: "port \(port) was taken meanwhile") }
  }

  /// Starts the server and waits until it answers. False if it ends instead.
  private func spawn() throws -> Bool {
    let arguments =
      [
        "redis-server", "--port", String(port), "--bind", "127.0.0.1", "--dir", directory,
        "--save", "", "--appendonly", "no", "--daemonize", "no", "--logfile", "/dev/null",
      ] + options
    let pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    let code = posix_spawnp(&process, "redis-server", nil, nil, pointers, environ)
    guard code == 0 else {
      process = 0
      throw Failure(
        description: "these tests need redis-server (Debian: redis-server) in the PATH: "
          + String(cString: strerror(code)))
    }
    var hasEnded = false
    do {
      try wait {
        var status: Int32 = 0
        hasEnded = waitpid(process, &status, WNOHANG) == process
        return hasEnded || answers()
      }
    } catch is NotInTime {
      throw Failure(description: "redis-server does not answer on port \(port)")
    }
    if hasEnded { process = 0 }
    return !hasEnded
  }

  /// Whether this server answers, and not another one on its port.
  private func answers() -> Bool {
    do throws(RedisError) {
      let info = try RedisConnection(configuration).call(["INFO", "server"]).bytes ?? []
      return String(decoding: info, as: UTF8.self).contains("process_id:\(process)\r\n")
    } catch {
      // A cluster answers, and is refused.
      return error.condition == .cluster
    }
  }

  /// Kills the server like a crash, and waits until it is gone.
  func stop() {
    guard process != 0 else { return }
    kill(process, SIGKILL)
    var status: Int32 = 0
    waitpid(process, &status, 0)
    process = 0
  }

  private static func freePort() throws -> UInt16 {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(socket, pointer, length) == 0 && getsockname(socket, pointer, &length) == 0
      }
    }
    guard isBound else { throw Failure(description: "no free port") }
    return UInt16(bigEndian: address.sin_port)
  }
}

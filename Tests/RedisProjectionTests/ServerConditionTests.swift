import Glibc
import TestSupport
import Testing

@testable import RedisProjection

/// Conditions of a real server, as a connection, a write and the trial meet them.
@Suite struct ServerConditionTests {
  private func condition(_ body: () throws -> Void) -> RedisCondition? {
    do { try body() } catch { return (error as? RedisError)?.condition }
    return nil
  }

  private func trial(_ configuration: RedisConfiguration) -> RedisCondition? {
    condition { try WriteTrial.run(project: "movies", configuration) }
  }

  @Test func aTrialLeavesNothing() throws {
    let server = try RedisServer()
    try WriteTrial.run(project: "movies", server.configuration)
    #expect(try RedisConnection(server.configuration).call(["DBSIZE"]).integer == 0)
  }

  @Test func whatStopsWritesIsToldApart() throws {
    let server = try RedisServer()
    let connection = try RedisConnection(server.configuration)
    for (change, condition, back) in [
      (["maxmemory", "1"], .outOfMemory, ["maxmemory", "0"]),
      (["min-replicas-to-write", "1"], .tooFewReplicas, ["min-replicas-to-write", "0"]),
    ] as [([String], RedisCondition, [String])] {
      _ = try connection.call(["CONFIG", "SET"] + change)
      #expect(trial(server.configuration) == condition)
      _ = try connection.call(["CONFIG", "SET"] + back)
      #expect(trial(server.configuration) == nil)
    }
    _ = try connection.call(["REPLICAOF", "127.0.0.1", "1"])
    #expect(trial(server.configuration) == .readOnly)
    _ = try connection.call(["CONFIG", "SET", "replica-serve-stale-data", "no"])
    #expect(trial(server.configuration) == .masterDown)
    _ = try connection.call(["REPLICAOF", "NO", "ONE"])
    #expect(try connection.call(["DBSIZE"]).integer == 0)
  }

  @Test func rightsAreTried() throws {
    let server = try RedisServer()
    let connection = try RedisConnection(server.configuration)
    var user = server.configuration
    (user.username, user.password) = ("feast", "p")
    func grant(_ rights: String...) throws {
      _ = try connection.call(["ACL", "SETUSER", "feast", "reset", "on", ">p"] + rights)
    }
    try grant("~*", "+@hash", "+ping")
    #expect(trial(user) == .denied)
    try grant("~movies*", "+@all")
    #expect(trial(user) == .denied)
    try grant("~*movies", "~projectionist:*", "+@all", "-hset")
    #expect(trial(user) == .denied)
    // As the advice has it.
    let advised = RedisCondition.neededRights.split(separator: " ").map(String.init)
    _ = try connection.call(
      ["ACL", "SETUSER", "feast", "reset", "on", ">p"]
        + advised.filter { $0.hasPrefix("~") || $0.hasPrefix("+") })
    #expect(trial(user) == nil)
    // Without INFO nothing is known of the server, and it works.
    try grant("~*movies", "~projectionist:*", "+@hash", "+@scripting", "+scan", "+del", "+exists")
    #expect(trial(user) == nil)
    #expect(try RedisConnection(user).serverInfo() == RedisServerInfo())
    #expect(trial(server.configuration) == nil)
  }

  @Test func aUserWithoutAPasswordIsNotTheDefaultUser() throws {
    let server = try RedisServer()
    let connection = try RedisConnection(server.configuration)
    var user = server.configuration
    user.username = "feast"
    #expect(trial(user) == .passwordWrong)
    _ = try connection.call(["ACL", "SETUSER", "feast", "on", "nopass", "~*", "+@all"])
    #expect(trial(user) == nil)
    _ = try connection.call(["ACL", "SETUSER", "feast", "-@scripting"])
    #expect(trial(user) == .denied)
  }

  @Test func aClusterIsRefusedBeforeAnythingIsWritten() throws {
    let server = try RedisServer(["--cluster-enabled", "yes"])
    #expect(condition { _ = try RedisConnection(server.configuration) } == .cluster)
    #expect(trial(server.configuration) == .cluster)
  }

  @Test(arguments: [
    ("", RedisCondition.closed), ("HTTP/1.1 400 Bad Request\r\n\r\n", .notRedis),
    ("\u{15}\u{3}\u{3}\0\u{2}\u{2}\u{28}", .tls), ("SSH-2.0-OpenSSH\r\n", .notRedis),
    ("-ERR max number of clients reached\r\n", .tooManyClients),
    ("-DENIED Redis is running in protected mode.\r\n", .protected),
    ("-LOADING Redis is loading the dataset in memory\r\n", .loading), ("$-5\r\n", .notRedis),
  ])
  func whatIsNoRedisIsRecognized(greeting: String, condition: RedisCondition) throws {
    let server = try NoiseServer(greeting)
    #expect(self.condition { try RedisConnection(server.configuration).ping() } == condition)
  }

  @Test func silenceIsNotATimeoutOfTheNetwork() throws {
    let server = try NoiseServer(nil)
    var configuration = server.configuration
    configuration.commandTimeout = .milliseconds(100)
    #expect(condition { try RedisConnection(configuration).ping() } == .silent)
  }

  @Test func tlsIsRecognizedWhereTheServerSaysNothing() throws {
    // A handshake message to whoever speaks TLS; plain text is hung up on, as Redis does.
    let server = try NoiseServer("", toTLS: [0x16, 3, 3, 0, 1, 0])
    #expect(condition { try RedisConnection(server.configuration).ping() } == .tls)
  }
}

/// Takes connections and answers each with the same bytes, whatever it is sent.
private final class NoiseServer: Sendable {
  private let socket: Int32
  private let port: UInt16

  var configuration: RedisConfiguration {
    RedisConfiguration(
      address: .tcp(host: "127.0.0.1", port: port), commandTimeout: .seconds(5))
  }

  /// - Parameters:
  ///   - greeting: sent before it hangs up; `nil` to stay silent.
  ///   - hello: sent instead to who begins a handshake of TLS.
  init(_ greeting: String?, toTLS hello: [UInt8]? = nil) throws {
    let (listener, port) = try Self.listen()
    (socket, self.port) = (listener, port)
    let thread = NoiseThread(listener, greeting.map { Array($0.utf8) }, hello)
    thread.start()
  }

  deinit {
    // Ends `accept`, and with it the thread, which closes the socket: closed here, its number could
    // already be another server's when the thread comes back to it.
    shutdown(socket, Int32(SHUT_RDWR))
  }

  private static func listen() throws -> (Int32, UInt16) {
    let listener = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(listener, pointer, length) == 0 && Glibc.listen(listener, 8) == 0
          && getsockname(listener, pointer, &length) == 0
      }
    }
    try #require(isListening)
    return (listener, UInt16(bigEndian: address.sin_port))
  }
}

private struct NoiseThread {
  let listener: Int32
  let greeting: [UInt8]?
  let hello: [UInt8]?

  init(_ listener: Int32, _ greeting: [UInt8]?, _ hello: [UInt8]?) {
    (self.listener, self.greeting, self.hello) = (listener, greeting, hello)
  }

  func start() {
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(self))
    pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().thread.run()
        return nil
      }, box.toOpaque())
    pthread_detach(thread)
  }

  private func run() {
    defer { close(listener) }
    while true {
      let client = accept(listener, nil, nil)
      guard client >= 0 else {
        // After `shutdown`; whatever else refuses a client says nothing of the next.
        if errno == EINVAL { return }
        continue
      }
      var first: [UInt8] = [0]
      _ = recv(client, &first, 1, Int32(MSG_PEEK))
      guard let greeting else { continue }
      let answer = first[0] == 0x16 ? hello ?? greeting : greeting
      // What was sent is read first: unread bytes would reset the connection.
      var rest = [UInt8](repeating: 0, count: 4_096)
      _ = recv(client, &rest, rest.count, 0)
      _ = send(client, answer, answer.count, Int32(MSG_NOSIGNAL))
      close(client)
    }
  }

  private final class Box {
    let thread: NoiseThread
    init(_ thread: NoiseThread) { self.thread = thread }
  }
}

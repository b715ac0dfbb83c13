import CHiredis
import Glibc

/// Where a Redis server is, and how to connect to it.
public struct RedisConfiguration: Sendable {
  public enum Address: Hashable, Sendable, CustomStringConvertible {
    case tcp(host: String, port: UInt16)
    case unix(path: String)

    public var description: String {
      switch self {
      case .tcp(let host, let port): "\(host):\(port)"
      case .unix(let path): path
      }
    }
  }

  public var address: Address
  /// `nil` is the default user.
  public var username: String?
  public var password: String?
  public var database: Int
  public var connectTimeout: Duration
  /// How long one read or write on the socket may take.
  public var commandTimeout: Duration

  public init(
    address: Address, username: String? = nil, password: String? = nil, database: Int = 0,
    connectTimeout: Duration = .seconds(2), commandTimeout: Duration = .seconds(5)
  ) {
    self.address = address
    self.username = username
    self.password = password
    self.database = database
    self.connectTimeout = connectTimeout
    self.commandTimeout = commandTimeout
  }
}

/// A connection to Redis, with pipelining. Belongs to one thread.
///
/// After a `RedisError` from the socket it is unusable: make a new one. The first connection makes
/// the process ignore SIGPIPE, unless that has a handler, because with hiredis 0.14 a lost
/// connection would kill the process.
@safe public final class RedisConnection {
  private let context: UnsafeMutablePointer<redisContext>
  private let configuration: RedisConfiguration
  /// Whether the server has answered anything.
  private var hasAnswered = false

  private var address: RedisConfiguration.Address { configuration.address }

  private static let ignoreBrokenPipes: Void = {
    var action = sigaction()
    if unsafe sigaction(SIGPIPE, nil, &action) == 0,
      unsafe action.__sigaction_handler.sa_handler == nil
    {
      signal(SIGPIPE, SIG_IGN)
    }
  }()

  public init(_ configuration: RedisConfiguration) throws(RedisError) {
    Self.ignoreBrokenPipes
    self.configuration = configuration
    let timeout = timeval(configuration.connectTimeout)
    let opened =
      switch configuration.address {
      case .tcp(let host, let port): unsafe redisConnectWithTimeout(host, Int32(port), timeout)
      case .unix(let path): unsafe redisConnectUnixWithTimeout(path, timeout)
      }
    guard let context = unsafe opened else {
      throw RedisError(.unreachable, at: configuration.address.place, "no memory for a connection")
    }
    unsafe self.context = context
    guard unsafe context.pointee.err == 0 else { throw failure }
    unsafe redisSetTimeout(context, timeval(configuration.commandTimeout))
    if case .tcp = configuration.address { unsafe redisEnableKeepAlive(context) }
    // A user may have no password: without AUTH the connection would be the default user's.
    if configuration.password != nil || configuration.username != nil {
      let user = configuration.username.map { [$0] } ?? []
      _ = try call(["AUTH"] + user + [configuration.password ?? ""])
    }
    try refuseOthers()
    if configuration.database != 0 { _ = try call(["SELECT", String(configuration.database)]) }
  }

  deinit {
    unsafe redisFree(context)
  }

  /// A cluster may answer for single keys and refuse rows of several only later. Whoever may not
  /// ask finds out then.
  private func refuseOthers() throws(RedisError) {
    let reply = try exchange(["INFO"])
    if let error = reply.error {
      let condition = RedisCondition(reply: error)
      if condition != .denied, condition != .commandMissing, condition != .refused {
        throw self.error(error)
      }
    } else if let bytes = reply.bytes,
      let (condition, words) = RedisServerInfo(String(decoding: bytes, as: UTF8.self)).unusable
    {
      throw RedisError(condition, at: address.place, words)
    }
  }

  /// Throws unless the server answers.
  public func ping() throws(RedisError) {
    _ = try call(["PING"])
  }

  /// Runs one command with text arguments, and throws an error reply.
  func call(_ arguments: [String]) throws(RedisError) -> RedisReply {
    try exchange(arguments).throwingError(from: address)
  }

  /// Runs one command with text arguments; the reply may be an error reply.
  func exchange(_ arguments: [String]) throws(RedisError) -> RedisReply {
    var command = RedisCommand()
    for argument in arguments { command.append(copying: argument.utf8) }
    try append(&command)
    return try reply()
  }

  /// Runs one command, and throws an error reply.
  func call(_ command: inout RedisCommand) throws(RedisError) -> RedisReply {
    try append(&command)
    return try reply().throwingError(from: address)
  }

  /// Queues a command, copying its bytes. Every queued command has one `reply`, in order.
  func append(_ command: inout RedisCommand) throws(RedisError) {
    let code = unsafe command.withArguments { count, pointers, lengths in
      unsafe redisAppendCommandArgv(context, count, pointers, lengths)
    }
    if code != REDIS_OK { throw failure }
  }

  /// Sends what is queued and waits for the next reply, which may be an error reply.
  func reply() throws(RedisError) -> RedisReply {
    if unsafe context.pointee.err != 0 { throw failure }
    var reply: UnsafeMutableRawPointer?
    guard unsafe redisGetReply(context, &reply) == REDIS_OK, let reply = unsafe reply else {
      throw failure
    }
    hasAnswered = true
    return unsafe RedisReply(reply.assumingMemoryBound(to: redisReply.self))
  }

  /// Why the connection does not work.
  private var failure: RedisError {
    let error = unsafe RedisError(context, address)
    guard !hasAnswered, error.condition == .closed || error.condition == .silent,
      TLSProbe.isAnswered(by: configuration)
    else { return error }
    return RedisError(.tls, at: error.place, error.words)
  }

  /// The error for an error reply.
  func error(_ reply: String) -> RedisError {
    RedisError(reply: reply, from: address)
  }

  /// The error for a reply of a kind that Redis does not give.
  func unexpected(_ command: String) -> RedisError {
    RedisError(.notRedis, at: address.place, "\(command) has an answer of an unknown kind")
  }
}

extension timeval {
  fileprivate init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self.init(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
  }
}

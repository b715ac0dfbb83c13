import CHiredis

/// A failed call to Redis.
public struct RedisError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One sentence for a person, including the server's or the client library's own text.
  public var message: String
  /// Whether the same call may succeed later, on a new connection.
  public var isTransient: Bool
  /// Set when the record of what is projected is not as the writer knows it.
  public var refusal: ProjectionRefusal?

  public init(_ message: String, isTransient: Bool, refusal: ProjectionRefusal? = nil) {
    self.message = message
    self.isTransient = isTransient
    self.refusal = refusal
  }

  public var description: String { message }

  /// Error replies that pass by themselves or once the server is repaired. Source: the prefixes
  /// in Redis 7's `server.c` (`createSharedObjects`) and `cluster.c`.
  private static let transientReplies: Set<Substring> = [
    "LOADING", "BUSY", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "READONLY", "OOM", "MISCONF",
    "NOREPLICAS", "NOSCRIPT",
  ]

  /// The error for an error reply.
  init(reply: String, from address: RedisConfiguration.Address) {
    let prefix = reply.prefix { $0 != " " }
    if let refusal = ProjectionScript.refusal(reply) {
      self.init(
        "Redis at \(address): the record is \(refusal)", isTransient: true, refusal: refusal)
      return
    }
    self.init(
      "Redis at \(address) answers: \(reply)",
      isTransient: Self.transientReplies.contains(prefix)
        // The connection limit has no code of its own.
        || reply.hasPrefix("ERR max number of clients"))
  }

  /// A connection's error. Only a server that doesn't speak Redis is hopeless.
  init(
    _ context: UnsafeMutablePointer<redisContext>, _ address: RedisConfiguration.Address
  ) {
    let text = unsafe withUnsafeBytes(of: &context.pointee.errstr) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    self.init(
      "can't reach Redis at \(address): \(text)",
      isTransient: unsafe context.pointee.err != REDIS_ERR_PROTOCOL)
  }
}

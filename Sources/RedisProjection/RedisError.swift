import CHiredis

/// A failed call on Redis.
public struct RedisError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One sentence for a person, with the server's or the client library's own words.
  public var message: String
  /// Whether the same call may succeed later, on a new connection.
  public var isTransient: Bool

  public init(_ message: String, isTransient: Bool) {
    self.message = message
    self.isTransient = isTransient
  }

  public var description: String { message }

  /// Error replies that pass by themselves or when someone mends the server. Source: the prefixes
  /// in Redis 7's `server.c` (`createSharedObjects`) and `cluster.c`.
  private static let transientReplies: Set<Substring> = [
    "LOADING", "BUSY", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "READONLY", "OOM", "MISCONF",
    "NOREPLICAS", "NOSCRIPT",
  ]

  /// The error of an error reply.
  init(reply: String, from address: RedisConfiguration.Address) {
    let prefix = reply.prefix { $0 != " " }
    self.init(
      "Redis at \(address) answers: \(reply)",
      isTransient: Self.transientReplies.contains(prefix)
        // The connection limit is an ERR without a code of its own.
        || reply.hasPrefix("ERR max number of clients"))
  }

  /// The error a connection is left with. Only a server that does not speak Redis is beyond hope.
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

// What error replies mean, by the words of all versions and makes that are known.

extension RedisCondition {
  /// The condition that an error reply stands for.
  public init(reply: String) {
    let texts = Self.unwrapped(reply)
    self =
      texts.lazy.compactMap(Self.ofCode).first ?? texts.lazy.compactMap(Self.ofPhrase).first
      ?? .refused
  }

  /// First words that say it all. Sources: `createSharedObjects` in Redis' `server.c`, and
  /// `cluster.c`.
  private static func ofCode(_ text: Substring) -> Self? {
    switch text.prefix(while: { $0 != " " }) {
    case "NOAUTH": .passwordMissing
    case "WRONGPASS": .passwordWrong
    case "NOPERM": .denied
    case "DENIED": .protected
    case "OOM": .outOfMemory
    case "READONLY": .readOnly
    case "MISCONF": .cannotSave
    case "NOREPLICAS": .tooFewReplicas
    case "LOADING": .loading
    case "BUSY": .busy
    case "MASTERDOWN", "NOMASTERLINK": .masterDown
    case "CLUSTERDOWN", "MOVED", "ASK", "CROSSSLOT", "TRYAGAIN", "CLUSTER": .cluster
    case "NOSCRIPT": .scriptLost
    case "WRONGTYPE": .wrongType
    default: nil
    }
  }

  /// Parts of sentences of replies that all begin with ERR, in lower case. The first one found
  /// counts, so the special ones come before the general ones.
  private static let phrases: [(text: String, condition: Self)] = [
    // Redis before 6, twemproxy, Envoy; KeyDB.
    ("invalid password", .passwordWrong), ("invalid username-password", .passwordWrong),
    ("without any password configured", .passwordUnexpected),
    ("no password is set", .passwordUnexpected),
    ("no username-password pair is set", .passwordUnexpected),
    ("wrong number of arguments for 'auth'", .userUnexpected),
    ("unauthenticated", .passwordMissing), ("operation not permitted", .passwordMissing),
    ("authentication required", .passwordMissing),
    // Redis 6 and 7 in a script, Redis 7.2, Valkey.
    ("the user executing the script can't", .denied), ("acl failure", .denied),
    ("no permission", .denied),
    // The connection limit has no code of its own.
    ("max number of clients", .tooManyClients), ("max clients", .tooManyClients),
    ("too many connections", .tooManyClients), ("maxclients", .tooManyClients),
    // Before the general words for commands that are not there.
    ("cluster mode", .cluster), ("in a cluster", .cluster), ("cluster support", .cluster),
    ("same slot", .cluster), ("hash slot", .cluster), ("same hash", .cluster),
    // A limit of managed services and of other makes.
    ("out of memory", .outOfMemory), ("maxmemory", .outOfMemory), ("memory limit", .outOfMemory),
    ("read only", .readOnly), ("read-only", .readOnly),
    ("readonly", .readOnly), ("wrong kind of value", .wrongType),
    ("db index", .noDatabase), ("invalid database", .noDatabase),
    // HSET of several fields came with 4.0, `struct` with 2.6.
    ("wrong number of args calling", .unfit), ("nonexistent global variable", .unfit),
    ("wrong number of arguments for 'hset'", .unfit),
    ("unknown command", .commandMissing), ("unknown subcommand", .commandMissing),
    ("unknown redis command", .commandMissing), ("unsupported command", .commandMissing),
    ("command is not", .commandMissing), ("command not", .commandMissing),
    ("not supported", .commandMissing), ("not allowed", .commandMissing),
    ("is disabled", .commandMissing), ("is loading", .loading),
  ]

  private static func ofPhrase(_ text: Substring) -> Self? {
    let lower = text.lowercased()
    return phrases.first { lower.contains($0.text) }?.condition
  }

  /// The reply, and before 7 the error inside a script's: `ERR Error running script (call to
  /// f_…): @user_script:23: @user_script: 23: -OOM command not allowed …`.
  private static func unwrapped(_ reply: String) -> [Substring] {
    let reply = reply.drop { $0 == "-" }
    guard reply.hasPrefix("ERR Error "), let mark = reply.ranges(of: scriptMark).last else {
      return [reply]
    }
    let inner = reply[mark.upperBound...].drop { $0 == " " || $0 == ":" || $0.isNumber }
    return [inner.drop { $0 == "-" || $0 == " " }, reply]
  }

  private static let scriptMark = "@user_script:"

  // MARK: Noise

  /// The condition for the first byte of something that is no reply.
  public init(noise byte: UInt8) {
    // Records of TLS: an alert, or a handshake.
    self = byte == 0x15 || byte == 0x16 ? .tls : .notRedis
  }
}

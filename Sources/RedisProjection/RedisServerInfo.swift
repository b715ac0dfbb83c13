/// What a server says of itself (INFO), as far as it says it.
public struct RedisServerInfo: Hashable, Sendable {
  public var version: String?
  /// `standalone`, `cluster` or `sentinel`.
  public var mode: String?
  public var role: String?
  public var isCluster = false
  public var usedBytes: Int64?
  /// 0 is no limit.
  public var maxBytes: Int64?
  public var evictionPolicy: EvictionPolicy?
  public var evictedKeys: Int64?

  public init() {}

  /// Why rows can't be written there, whatever its user may do.
  var unusable: (condition: RedisCondition, words: String)? {
    if isCluster { return (.cluster, "cluster mode") }
    if mode == "sentinel" { return (.notRedis, "a Sentinel only knows where the primary is") }
    return nil
  }

  /// Reads the lines of INFO.
  public init(_ text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      let value = parts[1]
      switch parts[0] {
      case "valkey_version": version = "Valkey \(value)"
      case "dragonfly_version": version = "Dragonfly \(value)"
      case "redis_version": version = version ?? "Redis \(value)"
      case "redis_mode":
        mode = String(value)
        if value == "cluster" { isCluster = true }
      case "cluster_enabled": if value == "1" { isCluster = true }
      case "role": role = String(value)
      case "used_memory": usedBytes = Int64(value)
      case "maxmemory": maxBytes = Int64(value)
      case "maxmemory_policy": evictionPolicy = EvictionPolicy(String(value))
      case "evicted_keys": evictedKeys = Int64(value)
      default: break
      }
    }
  }
}

/// What a server does when its memory is full.
public struct EvictionPolicy: Hashable, Sendable, CustomStringConvertible {
  /// As in `maxmemory-policy`.
  public let description: String

  public init(_ name: String) { description = name }

  /// Whether it refuses writes instead of deleting keys.
  public var keepsKeys: Bool { description == "noeviction" }

  /// What it does to features; `nil` when it keeps them.
  public var warning: String? {
    if keepsKeys { return nil }
    return description.hasPrefix("volatile-")
      ? "maxmemory-policy \(description) deletes keys with an expiry when memory is full, which"
        + " features have only if somebody else gives them one"
      : "maxmemory-policy \(description) deletes features when memory is full, which nothing but"
        + " `projectionist redis verify` notices"
  }

  /// What to do about that.
  public static let advice =
    "set maxmemory-policy noeviction: the redis stage then waits for room, and loses nothing"
}

extension RedisConnection {
  /// What the server says of itself; what it does not say to this user is `nil`.
  public func serverInfo() throws(RedisError) -> RedisServerInfo {
    var info = RedisServerInfo()
    let reply = try exchange(["INFO"])
    if let bytes = reply.bytes { info = RedisServerInfo(String(decoding: bytes, as: UTF8.self)) }
    guard info.evictionPolicy == nil else { return info }
    let found = try exchange(["CONFIG", "GET", "maxmemory-policy"]).elements
    if found.count == 2, let value = found[1] {
      info.evictionPolicy = EvictionPolicy(String(decoding: value, as: UTF8.self))
    }
    return info
  }
}

extension RedisConnection {
  /// Whether a look at some of the keys finds one of this layout.
  public func holdsKeys(of key: FeastKey) throws(RedisError) -> Bool {
    var cursor = Array("0".utf8)
    for _ in 0..<Self.looks {
      var command = RedisCommand()
      command.append(copying: "SCAN".utf8)
      command.append(copying: cursor)
      command.append(copying: "MATCH".utf8)
      command.append(copying: key.pattern)
      command.append(copying: "COUNT".utf8)
      command.append(copying: "1000".utf8)
      guard let page = try call(&command).page else { throw unexpected("SCAN") }
      if page.keys.contains(where: { key.int64(of: $0) != nil }) { return true }
      cursor = page.cursor
      if cursor == Array("0".utf8) { break }
    }
    return false
  }

  private static let looks = 20
}

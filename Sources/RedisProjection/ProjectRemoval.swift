/// Removes a Feast project from a Redis that others use.
public enum ProjectRemoval {
  /// Redis answers others between two of these.
  private static let keysPerStep = "1000"

  /// One step of a walk over all keys: deletes those it meets, and returns where to go on. What a
  /// walk meets it may meet again, and what stands there from its beginning to its end it meets.
  private static let step = """
    local found = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
    for _, key in ipairs(found[2]) do redis.call('UNLINK', key) end
    return found[1]
    """

  /// Deletes every key that has the project's name in it: give it a name that nothing else has.
  public static func deleteKeys(
    naming project: String, _ configuration: RedisConfiguration
  ) throws(RedisError) {
    let connection = try RedisConnection(configuration)
    let pattern = "*\(escaped(project))*"
    var cursor = "0"
    repeat {
      let reply = try connection.call(["EVAL", step, "0", cursor, pattern, keysPerStep])
      cursor = reply.bytes.map { String(decoding: $0, as: UTF8.self) } ?? "0"
    } while cursor != "0"
  }

  /// Without the special meaning of what Redis' patterns give one.
  private static func escaped(_ text: String) -> String {
    text.map { "*?[]^\\".contains($0) ? "\\\($0)" : String($0) }.joined()
  }
}

/// The scripts on a project's record.
enum ProjectionScript {
  /// Begins every script that writes: the record must be of this owner and epoch.
  static let check = """
    local owner = redis.call('HMGET', KEYS[1], 'application', 'cluster', 'epoch')
    if not owner[1] then return redis.error_reply('PROJECTION missing') end
    if owner[1] ~= ARGV[1] or owner[2] ~= ARGV[2] or owner[3] ~= ARGV[3] then
      return redis.error_reply('PROJECTION claimed')
    end
    """

  /// Makes the record unless there is one. ARGV: its fields and values. Returns whether it did.
  static let begin = """
    if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
    redis.call('HSET', KEYS[1], unpack(ARGV))
    return 1
    """

  /// Replaces the record. ARGV: the epoch that it must have, empty for no record; then the new
  /// record's fields and values. Returns whether it did.
  static let replace = """
    if (redis.call('HGET', KEYS[1], 'epoch') or '') ~= ARGV[1] then return 0 end
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], unpack(ARGV, 2))
    return 1
    """

  /// Removes the fields of one view from entities whose fence is of an earlier epoch, or that have
  /// none, and whole keys that hold something other than a hash. KEYS: the record's and the
  /// entities'. ARGV: owner and epoch as above, the least fence of this epoch, the fence's field,
  /// the time's field, the features' fields. Returns how many had features.
  static let sweep =
    check + """

      local removed = 0
      local fields = {unpack(ARGV, 5)}
      for entity = 2, #KEYS do
        local fence = redis.pcall('HGET', KEYS[entity], ARGV[5])
        if type(fence) == 'table' then
          if not string.find(fence.err, 'WRONGTYPE', 1, true) then return fence end
          removed = removed + redis.call('DEL', KEYS[entity])
        elseif not fence or fence < ARGV[4] then
          removed = removed + redis.call('HEXISTS', KEYS[entity], ARGV[6])
          redis.call('HDEL', KEYS[entity], unpack(fields))
        end
      end
      return removed
      """

  /// Notes that no rows of earlier epochs are left. ARGV: owner and epoch.
  static let endSweep = check + "\nreturn redis.call('HDEL', KEYS[1], 'leftovers')"

  /// The refusal that an error reply stands for.
  static func refusal(_ reply: String) -> ProjectionRefusal? {
    guard reply.hasPrefix("PROJECTION ") else { return nil }
    return ProjectionRefusal(rawValue: String(reply.dropFirst("PROJECTION ".count)))
  }
}

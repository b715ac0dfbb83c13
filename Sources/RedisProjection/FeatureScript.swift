/// The script that writes rows of one feature view, each only if it is newer than the stored one.
///
/// KEYS: one per row. ARGV: the number of features, the fence's field, the time's field, the
/// features' fields; then each row's fence and content. The content is the time and the values,
/// each prefixed with its length as 32 bits little-endian, or the tombstone. One packed argument
/// per row costs the server a third less than one per value. Fences are texts of equal length that
/// sort like their numbers. Returns how many rows were newer and therefore written.
enum FeatureScript {
  /// Replaces a row's content, and is shorter than any.
  static let tombstone = UInt8(ascii: "-")

  static let source = """
    local features, fence_field = tonumber(ARGV[1]), ARGV[2]
    local set = {'HSET', '', fence_field, ''}
    local delete = {'HDEL', ''}
    for i = 0, features do
      set[5 + 2 * i] = ARGV[3 + i]
      delete[3 + i] = ARGV[3 + i]
    end
    local format = '<' .. string.rep('I4c0', 1 + features)
    local call, unpack_struct, at, written = redis.call, struct.unpack, 4 + features, 0
    for row = 1, #KEYS do
      local key, fence = KEYS[row], ARGV[at]
      local stored = call('HGET', key, fence_field)
      if not stored or stored < fence then
        if ARGV[at + 1] == '-' then
          delete[2] = key
          call(unpack(delete))
          call('HSET', key, fence_field, fence)
        else
          set[2], set[4] = key, fence
          local values = {unpack_struct(format, ARGV[at + 1])}
          for i = 0, features do set[6 + 2 * i] = values[1 + i] end
          call(unpack(set))
        end
        written = written + 1
      end
      at = at + 2
    end
    return written
    """
}

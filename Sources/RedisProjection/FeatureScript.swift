/// The script that writes rows of one feature view, each only if it is newer than the stored one,
/// and moves positions in the project's record.
///
/// KEYS: the record's, and one per row. ARGV: the owner's application and cluster, and the epoch,
/// which the record must have; `1` to write rows over stored ones of an equal fence as well; the
/// number of positions, and for each its field, the value that the record must have and the new
/// one; the number of features, the fence's field, the time's field, the features' fields; then
/// each row's fence and content. The content is the time and the values, each prefixed with its
/// length as 32 bits little-endian, or the tombstone. One packed argument per row costs the server
/// a third less than one per value. Fences are texts of equal length that sort like their numbers.
/// A key that holds something other than a hash is deleted first: under the name of a row, nobody
/// can use it, and it must not hold up the other rows.
///
/// Returns how many rows were newer and therefore written, with the number of deleted keys if there
/// are any; or an error when the record is not as expected, before anything is written. A position
/// that has its new value already was moved by a call whose answer got lost.
enum FeatureScript {
  /// Replaces a row's content, and is shorter than any.
  static let tombstone = UInt8(ascii: "-")

  static let source =
    ProjectionScript.check + """

      local again, moves, at = ARGV[4] == '1', tonumber(ARGV[5]), 6
      for move = 1, moves do
        local known = redis.call('HGET', KEYS[1], ARGV[at]) or ''
        if known ~= ARGV[at + 1] and known ~= ARGV[at + 2] then
          return redis.error_reply('PROJECTION moved')
        end
        at = at + 3
      end
      local features, fence_field = tonumber(ARGV[at]), ARGV[at + 1]
      local set = {'HSET', '', fence_field, ''}
      local delete = {'HDEL', ''}
      for i = 0, features do
        set[5 + 2 * i] = ARGV[at + 2 + i]
        delete[3 + i] = ARGV[at + 2 + i]
      end
      local format = '<' .. string.rep('I4c0', 1 + features)
      local call, try, unpack_struct = redis.call, redis.pcall, struct.unpack
      local written, replaced = 0, 0
      at = at + 3 + features
      for row = 2, #KEYS do
        local key, fence = KEYS[row], ARGV[at]
        local stored = try('HGET', key, fence_field)
        if type(stored) == 'table' then
          if not string.find(stored.err, 'WRONGTYPE', 1, true) then return stored end
          call('DEL', key)
          stored, replaced = false, replaced + 1
        end
        if not stored or stored < fence or (again and stored == fence) then
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
      for move = 0, moves - 1 do
        redis.call('HSET', KEYS[1], ARGV[6 + 3 * move], ARGV[8 + 3 * move])
      end
      if replaced > 0 then return {written, replaced} end
      return written
      """
}

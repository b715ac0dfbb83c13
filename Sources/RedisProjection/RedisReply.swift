import CHiredis

/// Owns a reply.
@safe struct RedisReply: ~Copyable {
  private let reply: UnsafeMutablePointer<redisReply>

  init(_ reply: UnsafeMutablePointer<redisReply>) {
    unsafe self.reply = reply
  }

  deinit {
    unsafe freeReplyObject(reply)
  }

  /// The number of an integer reply.
  var integer: Int64? {
    unsafe reply.pointee.type == REDIS_REPLY_INTEGER ? reply.pointee.integer : nil
  }

  /// The number of an integer reply, or those of an array of them; empty for other kinds.
  var integers: [Int64] {
    if let integer { return [integer] }
    guard unsafe reply.pointee.type == REDIS_REPLY_ARRAY else { return [] }
    return unsafe UnsafeBufferPointer(start: reply.pointee.element, count: reply.pointee.elements)
      .compactMap { element in
        unsafe element.flatMap {
          unsafe $0.pointee.type == REDIS_REPLY_INTEGER ? $0.pointee.integer : nil
        }
      }
  }

  var isArray: Bool { unsafe reply.pointee.type == REDIS_REPLY_ARRAY }

  /// The text of an error reply.
  var error: String? {
    guard unsafe reply.pointee.type == REDIS_REPLY_ERROR else { return nil }
    return unsafe String(decoding: Self.bytes(of: reply) ?? [], as: UTF8.self)
  }

  /// The bytes of a string reply; `nil` for null and other kinds.
  var bytes: [UInt8]? {
    unsafe reply.pointee.type == REDIS_REPLY_STRING ? Self.bytes(of: reply) : nil
  }

  /// The strings of an array reply, with `nil` for null ones.
  var elements: [[UInt8]?] {
    guard unsafe reply.pointee.type == REDIS_REPLY_ARRAY else { return [] }
    return unsafe UnsafeBufferPointer(start: reply.pointee.element, count: reply.pointee.elements)
      .map {
        element in
        unsafe element.flatMap {
          unsafe $0.pointee.type == REDIS_REPLY_STRING ? Self.bytes(of: $0) : nil
        }
      }
  }

  /// The two elements of a reply to SCAN: the next cursor and the keys.
  var page: (cursor: [UInt8], keys: [[UInt8]])? {
    guard unsafe reply.pointee.type == REDIS_REPLY_ARRAY, unsafe reply.pointee.elements == 2,
      let parts = unsafe reply.pointee.element, let cursor = unsafe parts[0],
      let keys = unsafe parts[1], let text = unsafe Self.bytes(of: cursor)
    else { return nil }
    let all = unsafe UnsafeBufferPointer(
      start: keys.pointee.element, count: keys.pointee.elements)
    return (text, unsafe all.compactMap { unsafe $0.flatMap { unsafe Self.bytes(of: $0) } })
  }

  private static func bytes(of reply: UnsafeMutablePointer<redisReply>) -> [UInt8]? {
    unsafe reply.pointee.str.map {
      unsafe Array(UnsafeRawBufferPointer(start: $0, count: reply.pointee.len))
    }
  }

  /// This reply unless it is an error.
  consuming func throwingError(
    from address: RedisConfiguration.Address
  ) throws(RedisError) -> RedisReply {
    if let error { throw RedisError(reply: error, from: address) }
    return self
  }
}

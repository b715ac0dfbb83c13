import CHiredis

/// A failed call to Redis.
public struct RedisError: Error, Hashable, Sendable, CustomStringConvertible {
  public var condition: RedisCondition
  /// Names the server to people: `Redis at localhost:6379`.
  public var place: String
  /// The server's or the client library's own words; may be empty.
  public var words: String
  /// Set when the record of what is projected is not as the writer knows it.
  public var refusal: ProjectionRefusal?

  public init(_ condition: RedisCondition, at place: String, _ words: String) {
    self.condition = condition
    self.place = place
    self.words = Self.presentable(words)
  }

  /// A write that the record does not permit.
  public init(_ refusal: ProjectionRefusal, at place: String) {
    self.init(.refused, at: place, "the project's record is \(refusal)")
    self.refusal = refusal
  }

  /// What is wrong.
  public var summary: String {
    let words = words.isEmpty ? "" : " (\(words))"
    return "\(place) \(condition.complaint)\(words)"
  }

  /// One sentence: what is wrong and what to do.
  public var description: String { "\(summary): \(condition.advice)" }

  /// The error for an error reply.
  init(reply: String, from address: RedisConfiguration.Address) {
    if let refusal = ProjectionScript.refusal(reply) {
      self.init(refusal, at: address.place)
    } else {
      self.init(RedisCondition(reply: reply), at: address.place, reply)
    }
  }

  /// A connection's error.
  init(_ context: UnsafeMutablePointer<redisContext>, _ address: RedisConfiguration.Address) {
    let text = unsafe withUnsafeBytes(of: &context.pointee.errstr) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    let failure = ConnectionFailure(code: unsafe context.pointee.err, text)
    self.init(failure.condition, at: address.place, failure.words)
  }

  /// As much as fits into a line, without what it may repeat of a command: of AUTH that is the
  /// password.
  private static func presentable(_ words: String) -> String {
    let end = words.range(of: ", with args beginning with")?.lowerBound ?? words.endIndex
    var text = ""
    for scalar in words[..<end].unicodeScalars.prefix(longest) {
      text.unicodeScalars.append(scalar.value < 0x20 || scalar.value == 0x7f ? " " : scalar)
    }
    while text.last == " " || text.last == "." { text.removeLast() }
    return text
  }

  private static let longest = 240
}

extension RedisConfiguration.Address {
  /// How errors name it.
  var place: String { "Redis at \(self)" }
}

extension String {
  /// Where a text occurs first.
  fileprivate func range(of text: String) -> Range<String.Index>? { ranges(of: text).first }
}

import CHiredis
import Glibc

/// What hiredis says of a connection that does not work, in the product's terms.
struct ConnectionFailure: Hashable {
  var condition: RedisCondition
  /// hiredis' text, made plain.
  var words: String

  /// - Parameters:
  ///   - code: a `REDIS_ERR_…`.
  ///   - text: as in the context's `errstr`.
  init(code: Int32, _ text: String) {
    switch code {
    case REDIS_ERR_EOF: self.init(.closed, text)
    case REDIS_ERR_PROTOCOL: self.init(protocolError: text)
    case REDIS_ERR_IO where Self.timeouts.contains(text): self.init(.silent, "no answer")
    case REDIS_ERR_IO where Self.resets.contains(text): self.init(.closed, text)
    default: self.init(.unreachable, text)
    }
  }

  private init(_ condition: RedisCondition, _ words: String) {
    self.condition = condition
    self.words = words
  }

  /// The texts that `strerror` gives: hiredis keeps no number.
  private static let timeouts = texts([EAGAIN, EINPROGRESS])
  private static let resets = texts([ECONNRESET, EPIPE, ECONNABORTED])

  private static func texts(_ numbers: [Int32]) -> Set<String> {
    Set(numbers.map { unsafe String(cString: strerror($0)) })
  }

  /// `Protocol error, got "\x15" as reply type byte`, or other words where a reply breaks off into
  /// something else.
  private init(protocolError text: String) {
    let byte = Self.byte(in: text)
    condition = byte.map { RedisCondition(noise: $0) } ?? .notRedis
    words =
      switch byte {
      case _ where condition == .tls: "it answers with a record of TLS"
      case UInt8(ascii: "H"): "it answers like a web server"
      case UInt8(ascii: "S"): "it answers like an SSH server"
      default: text
      }
  }

  /// The byte between the quotation marks: itself, or escaped as in C.
  private static func byte(in text: String) -> UInt8? {
    let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
    guard parts.count >= 3, parts[0].hasSuffix("got ") else { return nil }
    if parts[1].hasPrefix("\\x") { return UInt8(parts[1].dropFirst(2), radix: 16) }
    return parts[1].utf8.first
  }
}

/// Why there is no answer.
public struct HTTPFailure: Error, Hashable, Sendable {
  public enum Reason: Hashable, Sendable {
    /// The URL is none, or of another protocol.
    case notAnAddress
    /// The name is unknown.
    case unknownHost
    /// Nothing listens, or no way leads there.
    case unreachable
    /// No byte has come or gone for as long as the timeout.
    case slow
    /// The connection ended before the answer did.
    case closed
    /// The answer is no HTTP.
    case notHTTP
    /// The answer is longer than is read.
    case tooLong
    /// The server's certificate is not signed by a trusted authority.
    case unknownAuthority
    /// The server's certificate is of another name.
    case otherName
    case expiredCertificate
    /// The file of authorities can't be read, or holds none.
    case authorityFile
    /// The server does not speak TLS, or not as we do.
    case handshake
    /// The caller has ended it.
    case cancelled
    /// Anything else; the words say what.
    case other
  }

  public var reason: Reason
  /// libcurl's own, for people.
  public var words: String

  public init(_ reason: Reason, _ words: String) {
    self.reason = reason
    self.words = words
  }
}

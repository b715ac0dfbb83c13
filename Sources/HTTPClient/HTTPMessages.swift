/// A request, complete before it is sent.
public struct HTTPRequest: Hashable, Sendable {
  public enum Method: String, Hashable, Sendable {
    case get = "GET"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
  }

  public struct Header: Hashable, Sendable {
    public var name: String
    /// Without line ends.
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  public var method: Method
  public var url: String
  public var headers: [Header]
  /// `nil` for a request without one.
  public var body: [UInt8]?

  public init(_ method: Method, _ url: String, headers: [Header] = [], body: [UInt8]? = nil) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
  }
}

/// An answer, whatever its status.
public struct HTTPResponse: Hashable, Sendable {
  public var status: Int
  /// `application/json`, without parameters, in small letters; empty if the answer names none.
  public var contentType: String
  public var body: [UInt8]

  public init(status: Int, contentType: String, body: [UInt8]) {
    self.status = status
    self.contentType = contentType
    self.body = body
  }
}

/// How a client connects.
public struct HTTPConfiguration: Hashable, Sendable {
  /// A PEM file with the authorities that are trusted; `nil` for those of the system.
  public var authorityFile: String?
  /// How long to wait for a connection, and for the next byte in either direction. At least a
  /// second.
  public var timeout: Duration
  /// A longer answer is a failure.
  public var longestAnswer: Int

  public init(
    authorityFile: String? = nil, timeout: Duration = .seconds(30), longestAnswer: Int = 16 << 20
  ) {
    self.authorityFile = authorityFile
    self.timeout = timeout
    self.longestAnswer = longestAnswer
  }
}

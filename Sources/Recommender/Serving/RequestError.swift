public import Codecs

/// Why a request gets an error reply.
public struct RequestError: Error, Hashable, Sendable {
  /// For programs: `invalid_json`, `missing_user_id`, `invalid_` and a field's name,
  /// `as_of_unsupported`, or one of the predict stage's own.
  public var code: String
  /// One sentence for a person.
  public var message: String
  /// The request's user, if it could be read.
  public var user: Int64?

  public init(code: String, message: String, user: Int64? = nil) {
    self.code = code
    self.message = message
    self.user = user
  }
}

extension RequestError {
  /// Writes the error reply: `{"error":{"code":"…","message":"…"},"user_id":100}`.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("error")
    writer.beginObject()
    writer.key("code")
    writer.string(code)
    writer.key("message")
    writer.string(message)
    writer.endObject()
    writer.key("user_id")
    writer.optionalInteger(user)
    writer.endObject()
  }
}

import Recommender
import Streams

/// Errors that only the stage can find, because they depend on more than the request's value.
extension RequestError {
  /// - Parameter fault: what is wrong, as the end of a sentence.
  static func invalidDeadline(_ fault: String, user: Int64) -> RequestError {
    RequestError(
      code: "invalid_deadline",
      message: "The header \(RequestHeaders.deadline) must be milliseconds since 1970, as decimal"
        + " text, \(fault).", user: user)
  }

  static let tooLarge = RequestError(
    code: "request_too_large",
    message: "Key, value and headers of a request must not exceed \(CopyLimit.bytes) bytes.")

  static func wrongPartition(user: Int64) -> RequestError {
    RequestError(
      code: "wrong_partition",
      message:
        "The request is not in its user's partition, and its header \(RequestHeaders.rerouted) says"
        + " that it was forwarded there: leave that header to the daemon.", user: user)
  }

  static func unknownModel(_ version: String, kept: [String], user: Int64) -> RequestError {
    let others = kept.isEmpty ? "none is" : "kept are \(kept.joined(separator: ", "))"
    return RequestError(
      code: "unknown_model",
      message: "The model \(version) is not kept: \(others); predict.kept_models sets how many.",
      user: user)
  }

  static func unreadableState(user: Int64) -> RequestError {
    RequestError(
      code: "unreadable_state",
      message: "The user's state can't be read: delete the local state to have it rebuilt.",
      user: user)
  }
}

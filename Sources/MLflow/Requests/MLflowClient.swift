import Foundation
package import HTTPClient

/// Calls MLflow. Belongs to one thread.
package struct MLflowClient: ~Copyable {
  package let target: MLflowTarget
  private var http: HTTPClient
  private let isCancelled: () -> Bool

  /// - Parameter isCancelled: asked about every second of a call; true ends it.
  package init(
    _ target: MLflowTarget, _ configuration: HTTPConfiguration,
    isCancelled: @escaping () -> Bool = { false }
  ) throws(MLflowError) {
    self.target = target
    self.isCancelled = isCancelled
    do throws(HTTPFailure) { http = try HTTPClient(configuration) } catch {
      throw MLflowError(.unanswered(error.reason), at: target.place, error.words)
    }
  }

  /// - Throws: for every answer but a good one.
  mutating func call<Reply: Decodable>(
    _ call: MLflowCall, _ type: Reply.Type = MLflowReplies.Nothing.self
  ) throws(MLflowError) -> Reply {
    let response: HTTPResponse
    do throws(HTTPFailure) {
      response = try http.send(call.request(to: target), isCancelled: isCancelled)
    } catch {
      throw MLflowError(.unanswered(error.reason), at: target.place, error.words)
    }
    return try Self.read(response, target)
  }

  static func read<Reply: Decodable>(_ response: HTTPResponse, _ target: MLflowTarget)
    throws(MLflowError) -> Reply
  {
    guard response.status == 200 else { throw failure(response, target) }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    // An upload may be answered by nothing at all.
    let body = response.body.isEmpty ? Data("{}".utf8) : Data(response.body)
    do { return try decoder.decode(Reply.self, from: body) } catch {
      throw MLflowError(
        .notMLflow, at: target.place, "a good answer of \(response.body.count) bytes says nothing")
    }
  }

  private static func failure(_ response: HTTPResponse, _ target: MLflowTarget) -> MLflowError {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let said = try? decoder.decode(MLflowReplies.Failure.self, from: Data(response.body))
    let text = String(decoding: response.body.prefix(400), as: UTF8.self)
    let words = "status \(response.status)" + presentable(said?.message ?? text)
    return MLflowError(reason(response.status, said?.errorCode, target), at: target.place, words)
  }

  private static func presentable(_ text: String) -> String {
    text.isEmpty || text.contains("<") ? "" : ": \(text)"
  }

  private static func reason(_ status: Int, _ code: String?, _ target: MLflowTarget)
    -> MLflowError.Reason
  {
    switch (status, code) {
    case (401, _): target.credentials == nil ? .loginMissing : .loginWrong
    case (403, _): .forbidden
    case (_, "RESOURCE_ALREADY_EXISTS"): .exists
    case (_, "RESOURCE_DOES_NOT_EXIST"): .absent
    case (404, _), (405, _), (501, _): .noSuchCall
    case (300...399, _): .notMLflow
    case (408, _), (429, _), (500..., _): .failing
    default: .refused
    }
  }
}

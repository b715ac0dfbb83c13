import Foundation
import HTTPClient

/// Where an MLflow server is, and what is kept there under which names.
package struct MLflowTarget: Hashable, Sendable {
  /// `https://mlflow.example:5000`, without a slash at the end.
  package var uri: String
  /// The name of the experiment with the runs.
  package var experiment: String
  /// The name of the registered model.
  package var model: String
  /// Whose runs and versions these are.
  package var application: String
  package var credentials: MLflowCredentials?

  package init(
    uri: String, experiment: String, model: String, application: String,
    credentials: MLflowCredentials? = nil
  ) {
    var uri = uri
    while uri.hasSuffix("/") { uri.removeLast() }
    self.uri = uri
    self.experiment = experiment
    self.model = model
    self.application = application
    self.credentials = credentials
  }

  /// How errors name it.
  package var place: String { "MLflow at \(uri)" }
}

/// What a server asks for before it answers.
package enum MLflowCredentials: Hashable, Sendable {
  case token(String)
  case login(user: String, password: String)

  var header: HTTPRequest.Header {
    switch self {
    case .token(let token): .init("Authorization", "Bearer \(token)")
    case .login(let user, let password):
      .init("Authorization", "Basic " + Data("\(user):\(password)".utf8).base64EncodedString())
    }
  }
}

package import Configuration
import Foundation
package import HTTPClient
package import MLflow
import Streams

extension Settings {
  /// Whether models are shown in MLflow.
  package var usesMLflow: Bool { !mlflow.trackingURI.isEmpty }

  package var mlflowConnection: HTTPConfiguration {
    HTTPConfiguration(
      authorityFile: mlflow.authorityFile.isEmpty ? nil : mlflow.authorityFile,
      timeout: mlflow.timeout)
  }

  /// The configured server, with secrets as their files have them now.
  package func mlflowTarget() throws(MLflowError) -> MLflowTarget {
    let name = topology.deploymentName
    var target = MLflowTarget(
      uri: mlflow.trackingURI, experiment: mlflow.experiment.isEmpty ? name : mlflow.experiment,
      model: mlflow.model.isEmpty ? name : mlflow.model, application: name)
    let token = try secret(mlflow.token, orIn: mlflow.tokenFile, of: target)
    if !token.isEmpty {
      target.credentials = .token(token)
    } else if !mlflow.username.isEmpty {
      target.credentials = .login(
        user: mlflow.username,
        password: try secret(mlflow.password, orIn: mlflow.passwordFile, of: target))
    }
    return target
  }

  /// - Parameter file: counts where it is named; the line end at its end is no part of the secret.
  private func secret(_ value: String, orIn file: String, of target: MLflowTarget)
    throws(MLflowError) -> String
  {
    guard !file.isEmpty else { return value }
    guard let data = FileManager.default.contents(atPath: file),
      let text = String(data: data.prefix(1 << 16), encoding: .utf8)
    else { throw MLflowError(.secretFile, at: target.place, file) }
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}

/// What a server has of an application, looked at without a change.
package struct MLflowSurvey: Hashable, Sendable {
  package var hasExperiment: Bool
  package var hasModel: Bool

  /// - Throws: also where the server would not take files.
  package init(_ client: consuming MLflowClient) throws(MLflowError) {
    let target = client.target
    do throws(MLflowError) {
      let found = try client.call(
        .experiment(named: target.experiment), MLflowReplies.ExperimentFound.self)
      guard found.experiment.lifecycleStage != "deleted" else {
        throw MLflowError(.experimentDeleted, at: target.place, target.experiment)
      }
      let place = found.experiment.artifactLocation ?? ""
      guard place.hasPrefix("mlflow-artifacts:") else {
        throw MLflowError(.artifactsElsewhere, at: target.place, "they are kept in \(place)")
      }
      hasExperiment = true
    } catch {
      guard error.reason == .absent else { throw error }
      hasExperiment = false
    }
    do throws(MLflowError) {
      _ = try client.call(.registeredModel(target.model), MLflowReplies.ModelFound.self)
      hasModel = true
    } catch {
      guard error.reason == .absent else { throw error }
      hasModel = false
    }
  }
}

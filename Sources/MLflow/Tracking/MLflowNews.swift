/// What a look at MLflow has changed there, or could not.
package enum MLflowNews: Hashable, Sendable {
  /// A model's run is complete, and the model has a number there.
  case registered(version: String, number: Int64)
  /// An alias moved with the log.
  case moved(ModelLedger.Role, to: Int64?, version: String?)
  /// An alias stood elsewhere, although the log had not changed.
  case putBack(ModelLedger.Role, from: Int64?, to: Int64?, version: String?)
  /// This model could not be sent.
  case failed(version: String, MLflowError)
  /// The server has no aliases: tags stand for them.
  case noAliases

  /// One sentence for the log.
  package var message: String {
    switch self {
    case .registered: "MLflow has the model"
    case .moved(let role, nil, _): "MLflow's alias \(role.rawValue) is gone, as on the log"
    case .moved(let role, _?, _): "MLflow's alias \(role.rawValue) follows the log"
    case .putBack(let role, _, _, _):
      "MLflow's alias \(role.rawValue) was moved there and is put back: the log decides;"
        + " to promote a model: `projectionist models promote VERSION`"
    case .failed: "MLflow does not take the model; tried again with each look"
    case .noAliases:
      "this MLflow has no aliases: the tags \(MLflowTag.alias)serving, candidate and shadow on"
        + " the model's versions stand for them"
    }
  }

  package var isWarning: Bool {
    switch self {
    case .putBack, .failed: true
    default: false
    }
  }

  /// What the sentence is about.
  package var fields: [String: String] {
    switch self {
    case .registered(let version, let number): ["model": version, "mlflow_version": "\(number)"]
    case .moved(_, let number, let version):
      ["model": version, "mlflow_version": number.map(String.init)].compactMapValues(\.self)
    case .putBack(_, let from, let to, let version):
      [
        "model": version, "mlflow_version": to.map(String.init) ?? "none",
        "was_moved_to": from.map(String.init) ?? "none",
      ].compactMapValues(\.self)
    case .failed(let version, let error): ["model": version, "reason": "\(error)"]
    case .noAliases: [:]
    }
  }
}

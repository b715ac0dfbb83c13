import Foundation
import HTTPClient

/// A call of MLflow's REST interface: https://mlflow.org/docs/latest/rest-api.html
struct MLflowCall: Hashable, Sendable {
  static let root = "/api/2.0/mlflow/"
  static let artifactRoot = "/api/2.0/mlflow-artifacts/artifacts/"

  var method: HTTPRequest.Method
  /// After the server's address, with its query.
  var path: String
  var contentType: String?
  var body: [UInt8]?

  func request(to target: MLflowTarget) -> HTTPRequest {
    var headers = [HTTPRequest.Header("Accept", "application/json")]
    if let contentType { headers.append(.init("Content-Type", contentType)) }
    if let credentials = target.credentials { headers.append(credentials.header) }
    return HTTPRequest(method, target.uri + path, headers: headers, body: body)
  }

  private static func get(_ path: String, _ query: KeyValuePairs<String, String>) -> MLflowCall {
    let pairs = query.map { "\($0.key)=\(encoded($0.value))" }
    return MLflowCall(method: .get, path: root + path + "?" + pairs.joined(separator: "&"))
  }

  private static func post(_ path: String, _ fields: JSONField) -> MLflowCall {
    MLflowCall(
      method: .post, path: root + path, contentType: "application/json", body: fields.bytes)
  }

  private static func delete(_ path: String, _ fields: JSONField) -> MLflowCall {
    MLflowCall(
      method: .delete, path: root + path, contentType: "application/json", body: fields.bytes)
  }

  /// As it stands in a query or a path.
  static func encoded(_ text: String, keeping kept: String = "") -> String {
    let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~" + kept
    return text.addingPercentEncoding(withAllowedCharacters: CharacterSet(charactersIn: letters))
      ?? ""
  }
}

// MARK: Experiments and runs

extension MLflowCall {
  static func experiment(named name: String) -> MLflowCall {
    get("experiments/get-by-name", ["experiment_name": name])
  }

  static func createExperiment(_ name: String) -> MLflowCall {
    post("experiments/create", ["name": .text(name)])
  }

  /// The runs of an application's model that are not deleted, in an experiment.
  static func runs(of version: String, _ application: String, in experiment: String) -> MLflowCall {
    let filter =
      "tags.`\(MLflowTag.version)` = '\(version)'"
      + " and tags.`\(MLflowTag.application)` = '\(application)'"
    return post(
      "runs/search",
      [
        "experiment_ids": .list([.text(experiment)]), "filter": .text(filter),
        "run_view_type": "ACTIVE_ONLY", "max_results": .integer(100),
      ])
  }

  static func createRun(
    in experiment: String, name: String, milliseconds: Int64, tags: [MLflowTag]
  ) -> MLflowCall {
    post(
      "runs/create",
      [
        "experiment_id": .text(experiment), "run_name": .text(name),
        "start_time": .integer(milliseconds), "tags": .list(tags.map(\.field)),
      ])
  }

  static func log(_ batch: MLflowBatch, to run: String) -> MLflowCall {
    post(
      "runs/log-batch",
      [
        "run_id": .text(run), "metrics": .list(batch.metrics.map(\.field)),
        "params": .list(batch.parameters.map(\.field)), "tags": .list(batch.tags.map(\.field)),
      ])
  }

  /// Makes the run's page show that it holds a model.
  static func logModel(_ json: String, to run: String) -> MLflowCall {
    post("runs/log-model", ["run_id": .text(run), "model_json": .text(json)])
  }

  static func finishRun(_ run: String, milliseconds: Int64) -> MLflowCall {
    post(
      "runs/update",
      ["run_id": .text(run), "status": "FINISHED", "end_time": .integer(milliseconds)])
  }

  static func deleteRun(_ run: String) -> MLflowCall {
    post("runs/delete", ["run_id": .text(run)])
  }
}

// MARK: Artifacts

extension MLflowCall {
  static func artifacts(of run: String, in folder: String) -> MLflowCall {
    get("artifacts/list", ["run_id": run, "path": folder])
  }

  /// - Parameter path: in the store of artifacts.
  static func upload(_ bytes: [UInt8], to path: String) -> MLflowCall {
    MLflowCall(
      method: .put, path: artifactRoot + encoded(path, keeping: "/"),
      contentType: "application/octet-stream", body: bytes)
  }
}

// MARK: Registered models

extension MLflowCall {
  static func registeredModel(_ name: String) -> MLflowCall {
    get("registered-models/get", ["name": name])
  }

  static func createRegisteredModel(_ name: String, description: String) -> MLflowCall {
    post(
      "registered-models/create", ["name": .text(name), "description": .text(description)])
  }

  /// - Parameter page: the token of a page after the first.
  static func versions(of name: String, page: String?) -> MLflowCall {
    let filter = "name='\(name)'"
    guard let page else {
      return get("model-versions/search", ["filter": filter, "max_results": "200"])
    }
    return get(
      "model-versions/search", ["filter": filter, "max_results": "200", "page_token": page])
  }

  static func createVersion(
    of name: String, source: String, run: String, tags: [MLflowTag], description: String
  ) -> MLflowCall {
    post(
      "model-versions/create",
      [
        "name": .text(name), "source": .text(source), "run_id": .text(run),
        "tags": .list(tags.map(\.field)), "description": .text(description),
      ])
  }

  static func deleteVersion(_ version: String, of name: String) -> MLflowCall {
    delete("model-versions/delete", ["name": .text(name), "version": .text(version)])
  }

  static func setTag(_ tag: MLflowTag, on version: String, of name: String) -> MLflowCall {
    post(
      "model-versions/set-tag",
      [
        "name": .text(name), "version": .text(version), "key": .text(tag.key),
        "value": .text(tag.value),
      ])
  }

  static func deleteTag(_ key: String, on version: String, of name: String) -> MLflowCall {
    delete(
      "model-versions/delete-tag",
      ["name": .text(name), "version": .text(version), "key": .text(key)])
  }

  static func setAlias(_ alias: String, to version: String, of name: String) -> MLflowCall {
    post(
      "registered-models/alias",
      ["name": .text(name), "alias": .text(alias), "version": .text(version)])
  }

  static func deleteAlias(_ alias: String, of name: String) -> MLflowCall {
    delete("registered-models/alias", ["name": .text(name), "alias": .text(alias)])
  }
}

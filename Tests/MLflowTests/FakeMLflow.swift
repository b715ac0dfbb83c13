import Foundation
import Synchronization
import TestSupport

@testable import MLflow

/// As much of MLflow as is called, in memory, with what it may do wrong.
final class FakeMLflow: Sendable {
  struct Run: Hashable {
    var tags: [String: String] = [:]
    var parameters: [String: String] = [:]
    /// Every point, in the order of arrival.
    var metrics: [String] = []
    var status = "RUNNING"
    var isDeleted = false
  }

  struct Version: Hashable {
    var number: Int
    var source: String
    var run: String
    var tags: [String: String]
    var status = "READY"
  }

  struct State: Hashable {
    var experiments: [String: String] = [:]
    var runs: [String: Run] = [:]
    /// By path.
    var files: [String: [UInt8]] = [:]
    var models: Set<String> = []
    var versions: [Version] = []
    var aliases: [String: Int] = [:]
    var hasAliases = true
    /// Where artifacts are kept.
    var root = "mlflow-artifacts:/"
    /// For versions that are made.
    var status = "READY"
    var calls = 0
    /// The calls that fail, by number from 1: before they do anything, or after.
    var failsBefore: Set<Int> = []
    var failsAfter: Set<Int> = []
    /// Instead of an answer, from now on.
    var answer: Answer?
  }

  enum Answer: Hashable {
    case html, error, nothing
  }

  private let state: Mutex<State>
  private let server: Mutex<HTTPStandIn?> = Mutex(nil)

  init(_ initial: State = State()) throws {
    state = Mutex(initial)
    let server = try HTTPStandIn { [weak self] request in self?.answer(request) ?? .nothing }
    self.server.withLock { $0 = server }
  }

  deinit { server.withLock { $0?.stop() } }

  var target: MLflowTarget {
    MLflowTarget(
      uri: server.withLock { $0?.address ?? "" }, experiment: "films", model: "films",
      application: "app")
  }

  func read<Value>(_ body: (State) -> Value) -> Value { state.withLock { body($0) } }
  func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

  private typealias Fields = [String: Any]

  private func answer(_ request: HTTPStandIn.Request) -> HTTPStandIn.Answer {
    state.withLock { state in
      state.calls += 1
      switch state.answer {
      case .html: return .reply(status: 200, type: "text/html", body: "<html>Sign in</html>")
      case .error: return .reply(status: 500, type: "text/html", body: "<h1>Fault</h1>")
      case .nothing: return .nothing
      case nil: break
      }
      if state.failsBefore.contains(state.calls) { return .nothing }
      let reply = Self.reply(request, &state)
      return state.failsAfter.contains(state.calls) ? .nothing : reply
    }
  }

  private static func reply(_ request: HTTPStandIn.Request, _ state: inout State)
    -> HTTPStandIn.Answer
  {
    let url = URLComponents(string: request.target)
    let query = Dictionary(
      (url?.queryItems ?? []).map { ($0.name, $0.value ?? "") }, uniquingKeysWith: { $1 })
    let path = url?.path ?? ""
    if path.hasPrefix(MLflowCall.artifactRoot) {
      state.files[String(path.dropFirst(MLflowCall.artifactRoot.count))] = request.body
      return .reply(status: 200, body: "")
    }
    let fields =
      (try? JSONSerialization.jsonObject(with: Data(request.body))) as? [String: Any] ?? [:]
    let name = String(path.dropFirst(MLflowCall.root.count))
    let answer =
      runReply(name, fields, query, &state)
      ?? registryReply(request.method, name, fields, query, &state)
    guard let answer else { return .reply(status: 404, type: "text/html", body: "<h1>404</h1>") }
    guard let code = answer["error_code"] as? String else {
      return .reply(status: 200, body: text(answer))
    }
    return .reply(status: code == "RESOURCE_DOES_NOT_EXIST" ? 404 : 400, body: text(answer))
  }

  private static func text(_ fields: Fields) -> String {
    let data = (try? JSONSerialization.data(withJSONObject: fields)) ?? Data()
    return String(decoding: data, as: UTF8.self)
  }

  private static func error(_ code: String) -> Fields { ["error_code": code, "message": "no"] }
  private static var absent: Fields { error("RESOURCE_DOES_NOT_EXIST") }
  private static var exists: Fields { error("RESOURCE_ALREADY_EXISTS") }

  // MARK: Runs

  private static func runReply(
    _ name: String, _ fields: Fields, _ query: [String: String], _ state: inout State
  ) -> Fields? {
    let run = fields["run_id"] as? String ?? query["run_id"] ?? ""
    switch name {
    case "experiments/get-by-name":
      guard let id = state.experiments[query["experiment_name"] ?? ""] else { return absent }
      return ["experiment": ["experiment_id": id, "artifact_location": "\(state.root)\(id)"]]
    case "experiments/create":
      let name = fields["name"] as? String ?? ""
      guard state.experiments[name] == nil else { return exists }
      state.experiments[name] = "\(state.experiments.count + 1)"
      return ["experiment_id": state.experiments[name] ?? ""]
    case "runs/search":
      let filter = fields["filter"] as? String ?? ""
      let found = state.runs.filter { _, run in
        !run.isDeleted
          && run.tags.filter { $0.key == MLflowTag.version || $0.key == MLflowTag.application }
            .allSatisfy { filter.contains("tags.`\($0.key)` = '\($0.value)'") }
      }
      return ["runs": found.map { json(of: $0.value, $0.key, state.root) }]
    case "runs/create":
      let id = "run\(state.runs.count + 1)"
      let run = Run(tags: pairs(fields["tags"]))
      state.runs[id] = run
      return ["run": json(of: run, id, state.root)]
    case "runs/log-batch":
      state.runs[run]?.tags.merge(pairs(fields["tags"])) { $1 }
      state.runs[run]?.parameters.merge(pairs(fields["params"])) { $1 }
      for metric in fields["metrics"] as? [Fields] ?? [] {
        state.runs[run]?.metrics.append(
          "\(metric["key"] ?? "") \(metric["step"] ?? "") \(metric["value"] ?? "")")
      }
      return [:]
    case "runs/log-model": return [:]
    case "runs/update":
      state.runs[run]?.status = fields["status"] as? String ?? ""
      return [:]
    case "runs/delete":
      state.runs[run]?.isDeleted = true
      return [:]
    case "artifacts/list":
      let root = "1/\(run)/artifacts/"
      let inside = root + (query["path"] ?? "") + "/"
      let files = state.files.filter {
        $0.key.hasPrefix(inside) && !$0.key.dropFirst(inside.count).contains("/")
      }
      return [
        "files": files.map {
          ["path": String($0.key.dropFirst(root.count)), "file_size": "\($0.value.count)"]
        }
      ]
    default: return nil
    }
  }

  private static func json(of run: Run, _ id: String, _ root: String) -> Fields {
    [
      "info": ["run_id": id, "artifact_uri": "\(root)1/\(id)/artifacts", "status": run.status],
      "data": ["tags": run.tags.map { ["key": $0.key, "value": $0.value] }],
    ]
  }

  private static func pairs(_ value: Any?) -> [String: String] {
    var pairs: [String: String] = [:]
    for pair in value as? [Fields] ?? [] {
      pairs[pair["key"] as? String ?? ""] = pair["value"] as? String ?? ""
    }
    return pairs
  }

  // MARK: The registry

  private static func registryReply(
    _ method: String, _ name: String, _ fields: Fields, _ query: [String: String],
    _ state: inout State
  ) -> Fields? {
    let model = fields["name"] as? String ?? query["name"] ?? ""
    let number = (fields["version"] as? String).flatMap { Int($0) }
    let place = state.versions.firstIndex { $0.number == number }
    switch (method, name) {
    case ("GET", "registered-models/get"):
      guard state.models.contains(model) else { return absent }
      let aliases = state.aliases.map { ["alias": $0.key, "version": "\($0.value)"] }
      return ["registered_model": ["name": model, "aliases": state.hasAliases ? aliases : []]]
    case ("POST", "registered-models/create"):
      guard state.models.insert(model).inserted else { return exists }
      return ["registered_model": ["name": model]]
    case ("GET", "model-versions/search"):
      // Two a page.
      let start = query["page_token"].flatMap { Int($0) } ?? 0
      let end = min(start + 2, state.versions.count)
      let found = state.versions[start..<end].map { version in
        [
          "name": model, "version": "\(version.number)", "status": version.status,
          "tags": version.tags.map { ["key": $0.key, "value": $0.value] },
        ] as Fields
      }
      return ["model_versions": found]
        .merging(end < state.versions.count ? ["next_page_token": "\(end)"] : [:]) { $1 }
    case ("POST", "model-versions/create"):
      let next = (state.versions.map(\.number).max() ?? 0) + 1
      state.versions.append(
        Version(
          number: next, source: fields["source"] as? String ?? "",
          run: fields["run_id"] as? String ?? "", tags: pairs(fields["tags"]),
          status: state.status))
      return ["model_version": ["name": model, "version": "\(next)", "status": state.status]]
    case ("DELETE", "model-versions/delete"):
      guard let place else { return absent }
      state.versions.remove(at: place)
      return [:]
    case ("POST", "model-versions/set-tag"):
      guard let place else { return absent }
      state.versions[place].tags[fields["key"] as? String ?? ""] = fields["value"] as? String
      return [:]
    case ("DELETE", "model-versions/delete-tag"):
      guard let place else { return absent }
      state.versions[place].tags[fields["key"] as? String ?? ""] = nil
      return [:]
    case ("POST", "registered-models/alias") where state.hasAliases:
      guard place != nil else { return absent }
      state.aliases[fields["alias"] as? String ?? ""] = number
      return [:]
    case ("DELETE", "registered-models/alias") where state.hasAliases:
      state.aliases[fields["alias"] as? String ?? ""] = nil
      return [:]
    default: return nil
    }
  }
}

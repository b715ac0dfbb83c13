/// A tag or a parameter: both are a key with a text.
struct MLflowTag: Hashable, Sendable {
  /// The model's version on the log; on runs and on registered versions.
  static let version = "projectionist.version"
  static let application = "projectionist.application"
  /// Set on a run together with its parameters and metrics: none of them is sent again.
  static let logged = "projectionist.logged"
  /// Set on the version of a model that is no longer on the log.
  static let deleted = "projectionist.deleted"
  /// Why a model was promoted or kept.
  static let verdict = "projectionist.verdict"
  /// Begins the tags that stand for aliases on a server without any.
  static let alias = "projectionist.alias."

  /// The longest value that every version of MLflow takes.
  static let longestValue = 5_000

  var key: String
  var value: String

  init(_ key: String, _ value: String) {
    self.key = key
    self.value = value
  }

  var field: JSONField { ["key": .text(key), "value": .text(value)] }
}

struct MLflowMetric: Hashable, Sendable {
  var key: String
  /// Finite.
  var value: Double
  var milliseconds: Int64
  var step: Int64

  var field: JSONField {
    [
      "key": .text(key), "value": .number(value), "timestamp": .integer(milliseconds),
      "step": .integer(step),
    ]
  }
}

/// What one call logs.
struct MLflowBatch: Hashable, Sendable {
  /// What a call takes: https://mlflow.org/docs/latest/rest-api.html#log-batch
  private static let mostMetrics = 800
  private static let mostTexts = 90

  var parameters: [MLflowTag] = []
  var metrics: [MLflowMetric] = []
  var tags: [MLflowTag] = []

  /// The same in batches that each fit a call; the tags are in the last ones.
  var pieces: [MLflowBatch] {
    var pieces: [MLflowBatch] = []
    for piece in parameters.pieces(of: Self.mostTexts) {
      pieces.append(MLflowBatch(parameters: Array(piece)))
    }
    for piece in metrics.pieces(of: Self.mostMetrics) {
      pieces.append(MLflowBatch(metrics: Array(piece)))
    }
    for piece in tags.pieces(of: Self.mostTexts) {
      pieces.append(MLflowBatch(tags: Array(piece)))
    }
    // Most fit into one call, which then also is all or nothing on most servers.
    guard pieces.count == 3, parameters.count <= Self.mostTexts, tags.count <= Self.mostTexts,
      metrics.count <= Self.mostMetrics
    else { return pieces }
    return [self]
  }
}

extension Array {
  fileprivate func pieces(of count: Int) -> [ArraySlice<Element>] {
    stride(from: 0, to: self.count, by: count).map { self[$0..<Swift.min($0 + count, self.count)] }
  }
}

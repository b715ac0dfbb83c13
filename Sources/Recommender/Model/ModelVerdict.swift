public import Codecs

/// How well a ranking does where a gate looks.
public struct GateMeasures: Hashable, Sendable {
  /// NDCG@10 over all held-out ratings.
  public var rated: Double
  /// NDCG@10 over those that the users liked.
  public var liked: Double
  /// The disliked among what was shown and rated.
  public var dislikedShare: Double

  public init(rated: Double, liked: Double, dislikedShare: Double) {
    self.rated = rated
    self.liked = liked
    self.dislikedShare = dislikedShare
  }

  /// Keeps a ratio of nothing to nothing at 1.
  private static let least = 1e-3

  /// How much better these are than others: the mean ratio, in which what is liked counts twice.
  public func ratio(to other: GateMeasures) -> Double {
    let rated = (rated + Self.least) / (other.rated + Self.least)
    let liked = (liked + Self.least) / (other.liked + Self.least)
    return (rated + 2 * liked) / 3
  }
}

/// A candidate's measures next to those of what serves, for the same users.
public struct GateComparison: Hashable, Sendable {
  public var users: Int
  public var candidate: GateMeasures
  public var serving: GateMeasures

  public init(users: Int, candidate: GateMeasures, serving: GateMeasures) {
    self.users = users
    self.candidate = candidate
    self.serving = serving
  }

  /// Above 1 for a candidate that is better.
  public var ratio: Double { candidate.ratio(to: serving) }

  /// Whether the candidate is as good; false where that can't be said.
  var isNoWorse: Bool { ratio >= 1 }
}

/// The record `<version>/verdict` of `models`: what was decided about a model, by what, and why.
public struct ModelVerdict: Hashable, Sendable {
  public enum Decision: String, Hashable, Sendable {
    /// It serves.
    case promoted
    /// It answers as a shadow first.
    case shadowed
    /// It stays a candidate.
    case kept
  }

  public var decision: Decision
  /// One sentence.
  public var reason: String
  /// When, since 1970.
  public var milliseconds: Int64
  /// The model that served; `nil` for none.
  public var against: String?
  /// The least ratio that the gate let pass.
  public var gate: Double
  /// The settings of both, trained up to the same point; `nil` where nothing was compared.
  public var settings: GateComparison?
  /// Both models as they are.
  public var models: GateComparison?
  /// How the model fared as a shadow; `nil` if it was none.
  public var hits: HitTally?

  public init(
    _ decision: Decision, reason: String, milliseconds: Int64, against: String?, gate: Double,
    settings: GateComparison? = nil, models: GateComparison? = nil, hits: HitTally? = nil
  ) {
    self.decision = decision
    self.reason = reason
    self.milliseconds = milliseconds
    self.against = against
    self.gate = gate
    self.settings = settings
    self.models = models
    self.hits = hits
  }
}

extension ModelVerdict {
  private static let formatVersion: Int64 = 1
  private static let fields: [StaticString] = [
    "format", "decision", "reason", "at_ms", "against", "gate",
  ]

  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("format")
    writer.integer(Self.formatVersion)
    writer.key("decision")
    writer.string(decision.rawValue)
    writer.key("reason")
    writer.string(reason)
    writer.key("at_ms")
    writer.integer(milliseconds)
    if let against {
      writer.key("against")
      writer.string(against)
    }
    writer.key("gate")
    writer.double(gate)
    settings?.writeFields(GateComparison.settingsNames, to: &writer)
    models?.writeFields(GateComparison.modelsNames, to: &writer)
    hits?.writeFields(to: &writer)
    writer.endObject()
  }

  /// Reads what `write` writes.
  public init(parsing value: RawSpan) throws(RecordError) {
    var parser = FlatJSONParser(fields: Self.fields)
    try parser.parseRecord(value)
    let format = try parser.require("format", parser.integer(0))
    guard format == Self.formatVersion else {
      throw RecordError("format \(format) is unknown, \(Self.formatVersion) is expected")
    }
    guard let decision = parser.string(1).flatMap(Decision.init(rawValue:)) else {
      throw RecordError(missing: "decision")
    }
    self.init(
      decision, reason: try parser.require("reason", parser.string(2)),
      milliseconds: try parser.require("at_ms", parser.integer(3)), against: parser.string(4),
      gate: try parser.require("gate", parser.double(5)),
      settings: try GateComparison(GateComparison.settingsNames, parsing: value),
      models: try GateComparison(GateComparison.modelsNames, parsing: value),
      hits: try HitTally(fieldsOf: value))
  }
}

extension GateComparison {
  static let settingsNames: [StaticString] = [
    "settings_users", "settings_ndcg_at_10", "settings_liked_ndcg_at_10",
    "settings_disliked_share", "serving_settings_ndcg_at_10",
    "serving_settings_liked_ndcg_at_10", "serving_settings_disliked_share",
  ]
  static let modelsNames: [StaticString] = [
    "model_users", "model_ndcg_at_10", "model_liked_ndcg_at_10", "model_disliked_share",
    "serving_model_ndcg_at_10", "serving_model_liked_ndcg_at_10", "serving_model_disliked_share",
  ]

  fileprivate func writeFields(_ names: [StaticString], to writer: inout JSONWriter) {
    writer.key(names[0])
    writer.integer(users)
    let values = [
      candidate.rated, candidate.liked, candidate.dislikedShare,
      serving.rated, serving.liked, serving.dislikedShare,
    ]
    for (name, value) in zip(names.dropFirst(), values) {
      writer.key(name)
      writer.double(value)
    }
  }

  /// - Returns: `nil` if the object has none of them.
  fileprivate init?(_ names: [StaticString], parsing value: RawSpan) throws(RecordError) {
    guard let fields = try NumberFields(names, of: value) else { return nil }
    func measures(from first: Int) throws(RecordError) -> GateMeasures {
      GateMeasures(
        rated: try fields.number(first), liked: try fields.number(first + 1),
        dislikedShare: try fields.number(first + 2))
    }
    self.init(
      users: try fields.count(0), candidate: try measures(from: 1),
      serving: try measures(from: 4))
  }
}

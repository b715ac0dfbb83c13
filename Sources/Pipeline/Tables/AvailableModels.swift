import Recommender

/// The models that the predict stage can answer with.
struct AvailableModels: Sendable {
  /// In the order in which they became complete.
  var models: [ServingModel] = []
  /// The one that serves. It stays while the next one promoted is incomplete.
  var promoted: ServingModel?
  var shadow: ServingModel?
  /// Which models are what, in memory or not.
  var roles: [ModelRole: ModelPromotion] = [:]
  /// What models have hit as shadows.
  var notes = ModelNotes()
  /// Records refused since the start.
  var rejected: Int64 = 0
  /// The version of a promoted model that is not in memory.
  var missing: String?
  /// Rises with each change.
  var version = 0
}

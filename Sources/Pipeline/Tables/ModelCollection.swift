import Recommender

/// Assembles models from records of `models` and decides which are kept: the newest, the promoted
/// one, and the shadow. All of them are complete and match their checksums.
struct ModelCollection: Sendable {
  /// A change worth a line in the log.
  enum Notice: Hashable, Sendable {
    /// A newly promoted model serves from now on.
    case serves(version: String, movies: Int)
    /// The one that served is gone, and no other is promoted.
    case noneServes(last: String)
    case refused(ModelFault)
  }

  /// Faults beyond these are counted but not reported.
  private static let maximumReportedFaults = 1_000
  /// How many models may be incomplete at once: two trainers at work, and some that were killed.
  private static let maximumIncomplete = 4

  private let kept: Int
  private let configuredShadow: String?
  private var assembler = ModelAssembler()
  private var reportedFaults: Set<ModelFault> = []
  private(set) var available = AvailableModels()

  /// - Parameters:
  ///   - kept: how many models are kept besides the promoted one and the shadow.
  ///   - shadow: the version that is the shadow as long as none is by the topic; `nil` for none.
  init(kept: Int, shadow: String?) {
    self.kept = kept
    configuredShadow = shadow
  }

  private var promotedVersion: String? { assembler.promotion?.version }
  private var shadowVersion: String? { assembler.roles[.shadow]?.version ?? configuredShadow }

  /// Models with parts missing, by version.
  var incomplete: [ModelAssembler.Incomplete] { assembler.incomplete }

  /// Takes the next record.
  mutating func take(key: RawSpan?, value: RawSpan?) -> [Notice] {
    let fault = available.notes.take(key: key, value: value)
    guard let change = fault.map({ .refused($0) }) ?? assembler.take(key: key, value: value) else {
      dropIncomplete()
      return []
    }
    var notices: [Notice] = []
    let served = available.promoted?.version
    switch change {
    case .ready(let factors): add(ServingModel(factors))
    case .deleted(let version):
      available.models.removeAll { $0.version == version }
      if available.promoted?.version == version { available.promoted = nil }
    case .role(let role, let promotion):
      available.roles[role] = promotion
      if role == .serving, promotion == nil { available.promoted = nil }
    case .refused(let fault):
      available.rejected += 1
      if isNew(fault) { notices.append(.refused(fault)) }
    }
    if let notice = promote() { notices.append(notice) }
    if let served, available.promoted == nil { notices.append(.noneServes(last: served)) }
    evict()
    available.version += 1
    return notices
  }

  /// A known model with new metadata keeps its place in the order.
  private mutating func add(_ model: ServingModel) {
    if let index = available.models.firstIndex(where: { $0.version == model.version }) {
      available.models[index] = model
    } else {
      available.models.append(model)
    }
  }

  private mutating func promote() -> Notice? {
    available.missing = nil
    guard let version = promotedVersion else { return nil }
    guard let model = available.models.first(where: { $0.version == version }) else {
      available.missing = version
      return nil
    }
    let isNew = available.promoted?.version != version
    available.promoted = model
    return isNew ? .serves(version: version, movies: model.factors.movies.count) : nil
  }

  private mutating func evict() {
    let held = [available.promoted?.version, promotedVersion, shadowVersion]
    var surplus = available.models.count - kept
    available.models.removeAll { model in
      guard surplus > 0 else { return false }
      surplus -= 1
      guard !held.contains(model.version) else { return false }
      assembler.forget(model.version)
      return true
    }
    available.shadow = available.models.first { $0.version == shadowVersion }
  }

  /// A trainer that was killed leaves parts of a model behind forever.
  private mutating func dropIncomplete() {
    let incomplete = assembler.incomplete
    guard incomplete.count > Self.maximumIncomplete else { return }
    let oldest = incomplete.first { $0.version != promotedVersion && $0.version != shadowVersion }
    if let oldest { assembler.forget(oldest.version) }
  }

  private mutating func isNew(_ fault: ModelFault) -> Bool {
    guard reportedFaults.count < Self.maximumReportedFaults else { return false }
    return reportedFaults.insert(fault).inserted
  }
}

public import Recommender

/// Decides about a shadow by what it hits while it answers next to what serves.
public struct ShadowTrial: Hashable, Sendable {
  /// How many times as long as planned it may last while too little is known.
  public static let longest = 4

  /// How long it answers at least.
  public var time: Duration
  /// How many lists a rating must have followed.
  public var least: Int
  public var gate: Gate

  public init(time: Duration, least: Int, gate: Gate) {
    self.time = time
    self.least = least
    self.gate = gate
  }

  /// What follows from a trial.
  public struct Settled: Sendable {
    public var changes: [ModelChange] = []
    /// `nil` if there was nothing to decide.
    public var decided: (version: String, verdict: ModelVerdict)?
  }

  /// Why the trial is not over yet; `nil` when it is, or when there is none.
  ///
  /// - Returns: also whether it lasts longer than planned.
  public func wait(in catalog: ModelCatalog, at now: Int64) -> (text: String, isLate: Bool)? {
    guard let shadow = catalog.assembler.roles[.shadow],
      catalog.assembler.models[shadow.version] != nil, let live = catalog.assembler.promotion,
      live.version != shadow.version
    else { return nil }
    // A moment in the future was set by a wrong clock.
    let passed = Duration.milliseconds(max(0, now - (shadow.milliseconds ?? 0)))
    guard passed >= time else { return ("the shadow answers", false) }
    let hits = catalog.notes.hits(of: shadow.version, against: live.version)
    let (passes, reason) = gate.judge(hits, least: Int64(least))
    guard passes == nil, passed < time * Self.longest else { return nil }
    return ("the shadow \(shadow.version) answers for longer: \(reason)", true)
  }

  /// Decides about the shadow, which is one no more.
  public func settle(_ catalog: ModelCatalog, at now: Int64) -> Settled {
    guard wait(in: catalog, at: now) == nil, let shadow = catalog.assembler.roles[.shadow] else {
      return Settled()
    }
    let version = shadow.version
    guard catalog.assembler.models[version] != nil, let live = catalog.assembler.promotion,
      live.version != version
    else { return Settled(changes: [.role(.shadow, nil)]) }
    let hits = catalog.notes.hits(of: version, against: live.version)
    let (passes, reason) = gate.judge(hits, least: Int64(least))
    var verdict =
      catalog.notes.verdicts[version]
      ?? ModelVerdict(
        .kept, reason: reason, milliseconds: now, against: live.version, gate: gate.ratio)
    verdict.decision = passes == true ? .promoted : .kept
    verdict.reason = passes == nil ? "\(reason), and it was a shadow long enough" : reason
    verdict.milliseconds = now
    verdict.against = live.version
    verdict.hits = hits
    var settled = Settled(
      changes: [.verdict(version: version, verdict), .role(.shadow, nil)],
      decided: (version, verdict))
    if passes == true {
      settled.changes += catalog.promote(version, reason: verdict.reason, at: now).changes
    }
    return settled
  }
}

extension ModelCatalog {
  /// The newest decision about a model, and up to where that was trained; of models that were
  /// promoted by hand, that promotion. `nil` for none.
  public var newestDecision: (milliseconds: Int64?, trainedTo: [Int64])? {
    let newest = notes.verdicts.max {
      ($0.value.milliseconds, $0.key) < ($1.value.milliseconds, $1.key)
    }
    if let (version, verdict) = newest.map({ ($0.key, $0.value) }),
      let metadata = assembler.models[version]?.metadata
    {
      return (verdict.milliseconds, metadata.trainedTo)
    }
    guard let promotion = assembler.promotion, let model = assembler.models[promotion.version]
    else {
      return nil
    }
    return (promotion.milliseconds, model.metadata.trainedTo)
  }
}

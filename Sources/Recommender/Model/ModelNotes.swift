import Codecs

/// What `models` says about models besides their metadata and parts.
public struct ModelNotes: Sendable {
  /// The newest on each version.
  public private(set) var verdicts: [String: ModelVerdict] = [:]
  /// Of deleted models, by version: what each was trained from.
  public private(set) var recipes: [String: ModelMetadata] = [:]
  /// By version and partition of the users.
  public private(set) var hits: [String: [Int32: HitTally]] = [:]

  public init() {}

  /// Takes the next record.
  ///
  /// - Returns: what is wrong with it; `nil` also for one that is no note.
  public mutating func take(key: RawSpan?, value: RawSpan?) -> ModelFault? {
    guard let key, let name = ModelKey(key) else { return nil }
    do throws(RecordError) {
      switch name {
      case .verdict(let version):
        verdicts[version] = if let value { try ModelVerdict(parsing: value) } else { nil }
      case .recipe(let version):
        recipes[version] = if let value { try ModelMetadata(parsing: value) } else { nil }
      case .hits(let version, let partition):
        hits[version, default: [:]][partition] =
          if let value { try HitTally(parsing: value) } else { nil }
        if hits[version]?.isEmpty == true { hits[version] = nil }
      case .metadata, .part, .role: break
      }
      return nil
    } catch {
      return ModelFault(key: name, message: error.message)
    }
  }

  /// What a shadow has hit in all partitions, while a model's lists were shown.
  public func hits(of version: String, against live: String) -> HitTally {
    var sum = HitTally(against: live)
    for tally in hits[version, default: [:]].values where tally.against == live { sum.add(tally) }
    return sum
  }
}

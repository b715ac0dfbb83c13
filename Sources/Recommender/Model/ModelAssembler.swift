import Codecs

/// Assembles models from the records of `models`, which may be out of order, repeated, damaged or
/// missing.
///
/// A model exists once its metadata and every part it names have been seen and match to the last
/// bit. From then on only a null metadata record removes it: what is in memory is right, whatever
/// overwrites its parts.
public struct ModelAssembler: Sendable {
  /// What a record changes.
  public enum Change: Sendable {
    /// This model is complete, or has new metadata.
    case ready(FactorModel)
    case deleted(version: String)
    /// This model has the role, complete or not; `nil` for none.
    case role(ModelRole, ModelPromotion?)
    /// The record is invalid. Nothing else has changed.
    case refused(ModelFault)
  }

  /// A model that lacks its metadata or parts.
  public struct Incomplete: Hashable, Sendable {
    public var version: String
    /// `nil` if its metadata is missing.
    public var partsExpected: Int?
    /// Parts with the right checksum; all parts while the metadata is missing.
    public var partsPresent: Int
    /// One more than the highest part number seen.
    public var partLimit: Int
  }

  private struct Pending {
    var metadata: ModelMetadata?
    var parts: [Int: [UInt8]] = [:]
  }

  /// The complete ones, by version.
  public private(set) var models: [String: FactorModel] = [:]
  /// Which models are what; those named may be incomplete or deleted.
  public private(set) var roles: [ModelRole: ModelPromotion] = [:]
  private var pending: [String: Pending] = [:]

  public init() {}

  /// Which model serves.
  public var promotion: ModelPromotion? { roles[.serving] }

  /// The promoted model, once it is complete.
  public var promoted: FactorModel? {
    promotion.flatMap { models[$0.version] }
  }

  /// Models that lack metadata or parts, by version.
  public var incomplete: [Incomplete] {
    pending.map { version, pending in
      Incomplete(
        version: version, partsExpected: pending.metadata?.partChecksums.count,
        partsPresent: pending.parts.count,
        partLimit: (pending.parts.keys.max() ?? -1) + 1)
    }.sorted { $0.version < $1.version }
  }

  /// Forgets a model, complete or not, as if none of its records had been seen.
  public mutating func forget(_ version: String) {
    models[version] = nil
    pending[version] = nil
  }

  /// Takes the next record.
  ///
  /// - Returns: what it changes; `nil` for nothing to act on, such as one more part.
  public mutating func take(key: RawSpan?, value: RawSpan?) -> Change? {
    guard let key, let name = ModelKey(key) else {
      return .refused(ModelFault(key: nil, message: "the key names neither a model nor a part"))
    }
    switch name {
    case .role(let role): return take(role, value)
    case .metadata(let version): return takeMetadata(version, value)
    case .part(let version, let number): return takePart(version, number, value)
    case .verdict, .hits, .recipe: return nil
    }
  }

  private mutating func take(_ role: ModelRole, _ value: RawSpan?) -> Change {
    guard let value else {
      roles[role] = nil
      return .role(role, nil)
    }
    do throws(RecordError) {
      let parsed = try ModelPromotion(parsing: value)
      roles[role] = parsed
      return .role(role, parsed)
    } catch {
      return .refused(ModelFault(key: .role(role), message: error.message))
    }
  }

  private mutating func takeMetadata(_ version: String, _ value: RawSpan?) -> Change? {
    guard let value else {
      pending[version] = nil
      return models.removeValue(forKey: version) == nil ? nil : .deleted(version: version)
    }
    let key = ModelKey.metadata(version: version)
    let metadata: ModelMetadata
    do throws(RecordError) {
      metadata = try ModelMetadata(parsing: value)
    } catch {
      return .refused(ModelFault(key: key, message: error.message))
    }
    guard metadata.version == version, metadata.derivedVersion == version else {
      return .refused(ModelFault(key: key, message: "the metadata is of another version"))
    }
    if let model = models[version] {
      // The same version is the same model; only its metrics may be new.
      let updated = FactorModel(model, metadata: metadata)
      models[version] = updated
      return .ready(updated)
    }
    pending[version, default: Pending()].metadata = metadata
    let wrong = pending[version]?.parts.first { number, bytes in
      !metadata.accepts(bytes.span.bytes, part: number)
    }
    guard let wrong else { return complete(version) }
    let parts = pending[version]?.parts ?? [:]
    pending[version]?.parts = parts.filter { number, bytes in
      metadata.accepts(bytes.span.bytes, part: number)
    }
    return .refused(.damaged(version: version, part: wrong.key))
  }

  private mutating func takePart(_ version: String, _ number: Int, _ value: RawSpan?) -> Change? {
    guard number < ModelMetadata.maximumParts else {
      return .refused(.damaged(version: version, part: number))
    }
    if let model = models[version] {
      guard let value, !model.metadata.accepts(value, part: number) else { return nil }
      return .refused(.damaged(version: version, part: number))
    }
    guard let value else {
      pending[version]?.parts[number] = nil
      if pending[version]?.parts.isEmpty == true, pending[version]?.metadata == nil {
        pending[version] = nil
      }
      return nil
    }
    if let metadata = pending[version]?.metadata, !metadata.accepts(value, part: number) {
      pending[version]?.parts[number] = nil
      return .refused(.damaged(version: version, part: number))
    }
    pending[version, default: Pending()].parts[number] = value.withUnsafeBytes { Array($0) }
    return complete(version)
  }

  /// Assembles a model if nothing is missing.
  private mutating func complete(_ version: String) -> Change? {
    guard let waiting = pending[version], let metadata = waiting.metadata,
      waiting.parts.count == metadata.partChecksums.count
    else { return nil }
    var contents = FactorModel.Contents()
    contents.factors.reserveCapacity(min(metadata.byteCount / 4, 1 << 28))
    for number in metadata.partChecksums.indices {
      do throws(CodecError) {
        let bytes = waiting.parts[number] ?? []
        try ModelParts.decode(
          bytes.span.bytes, part: number,
          factorCount: metadata.parameters.factors, movies: metadata.movies, into: &contents)
      } catch {
        pending[version]?.parts[number] = nil
        return .refused(
          ModelFault(key: .part(version: version, number: number), message: error.message))
      }
    }
    pending[version] = nil
    guard contents.movies.count == metadata.movies else {
      return .refused(
        ModelFault(
          key: .metadata(version: version),
          message: "its parts have \(contents.movies.count) movies, not \(metadata.movies)"))
    }
    let model = FactorModel(metadata: metadata, contents: contents)
    models[version] = model
    return .ready(model)
  }
}

/// What is wrong with a record of `models`.
public struct ModelFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// `nil` if the key itself is wrong.
  public var key: ModelKey?
  /// One clause for a person.
  public var message: String

  static func damaged(version: String, part number: Int) -> ModelFault {
    ModelFault(
      key: .part(version: version, number: number),
      message: "the part differs from the one the model was published with")
  }

  public var description: String { (key.map { "\($0.text): " } ?? "") + message }
}

extension ModelMetadata {
  /// Whether a part's bytes are the ones the model was published with.
  fileprivate func accepts(_ bytes: RawSpan, part number: Int) -> Bool {
    partChecksums.indices.contains(number) && Checksum(of: bytes) == partChecksums[number]
  }
}

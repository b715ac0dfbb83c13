import Codecs
package import Recommender

/// What the topic `models` says of all models: which are complete, and which have a role. Of a
/// model's parts only the checksums are kept.
package struct ModelLedger: Sendable {
  /// A model whose metadata and parts are all on the topic, or were.
  package struct Entry: Hashable, Sendable {
    package var metadata: ModelMetadata
    /// When its metadata was written, since 1970.
    package var milliseconds: Int64
    /// Its place in the order of publication.
    var number: Int
  }

  /// What a model can be, and the alias that says so.
  package enum Role: String, Hashable, Sendable, CaseIterable {
    case serving
    case candidate
    case shadow

    /// The key of the record that names the model.
    var key: String { self == .serving ? "promoted" : rawValue }
  }

  private struct Pending {
    var metadata: (record: ModelMetadata, milliseconds: Int64)?
    var parts: [Int: Checksum] = [:]
  }

  /// The complete ones, by version.
  package private(set) var models: [String: Entry] = [:]
  /// Models that were deleted and can be trained again, by version.
  package private(set) var recipes: [String: Entry] = [:]
  /// The versions that have a role; one may be incomplete or deleted.
  package private(set) var roles: [Role: String] = [:]
  /// Why a version was promoted or kept, in a sentence, by version.
  package private(set) var verdicts: [String: String] = [:]
  private var pending: [String: Pending] = [:]
  private var count = 0

  package init() {}

  /// The complete models, in the order of their publication.
  package var published: [Entry] { models.values.sorted { $0.number < $1.number } }

  /// Those that are no longer there, in the order of their deletion.
  var deleted: [Entry] {
    recipes.values.filter { models[$0.metadata.version] == nil }.sorted { $0.number < $1.number }
  }

  /// Takes the topic's next record. What can't be read is skipped: whoever serves reports it.
  ///
  /// - Parameter milliseconds: the record's time, since 1970.
  package mutating func take(key: RawSpan?, value: RawSpan?, milliseconds: Int64) {
    guard let key else { return }
    let text = key.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    if let role = Role.allCases.first(where: { $0.key == text }) {
      return take(role, value)
    }
    let fields = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard let version = fields.first, ModelKey.isVersion(version) else { return }
    switch fields.count {
    case 1: takeMetadata(version, value, milliseconds)
    case 2 where fields[1] == "verdict": takeVerdict(version, value)
    case 2 where fields[1] == "recipe": takeRecipe(version, value, milliseconds)
    case 2:
      if let number = Int(fields[1]) { takePart(version, number, value) }
    default: break
    }
  }

  private mutating func take(_ role: Role, _ value: RawSpan?) {
    guard let value else {
      roles[role] = nil
      return
    }
    var parser = FlatJSONParser(fields: ["version"])
    guard (try? parser.parseRecord(value)) != nil, let version = parser.string(0),
      ModelKey.isVersion(version)
    else { return }
    roles[role] = version
  }

  private mutating func takeMetadata(_ version: String, _ value: RawSpan?, _ milliseconds: Int64) {
    guard let value else {
      pending[version] = nil
      models[version] = nil
      return
    }
    guard let metadata = try? ModelMetadata(parsing: value), metadata.version == version else {
      return
    }
    if models[version] != nil {
      models[version]?.metadata = metadata
      return
    }
    pending[version, default: Pending()].metadata = (metadata, milliseconds)
    complete(version)
  }

  private mutating func takePart(_ version: String, _ number: Int, _ value: RawSpan?) {
    guard models[version] == nil, number >= 0 else { return }
    if let value {
      pending[version, default: Pending()].parts[number] = Checksum(of: value)
    } else {
      pending[version]?.parts[number] = nil
    }
    if pending[version]?.metadata == nil, pending[version]?.parts.isEmpty == true {
      pending[version] = nil
    }
    complete(version)
  }

  private mutating func complete(_ version: String) {
    guard let waiting = pending[version], let metadata = waiting.metadata else { return }
    let checksums = metadata.record.partChecksums
    guard checksums.indices.allSatisfy({ waiting.parts[$0] == checksums[$0] }) else { return }
    count += 1
    models[version] = Entry(
      metadata: metadata.record, milliseconds: metadata.milliseconds, number: count)
    pending[version] = nil
  }

  private mutating func takeRecipe(_ version: String, _ value: RawSpan?, _ milliseconds: Int64) {
    guard let value else {
      recipes[version] = nil
      return
    }
    guard let metadata = try? ModelMetadata(parsing: value), metadata.version == version else {
      return
    }
    count += 1
    recipes[version] = Entry(metadata: metadata, milliseconds: milliseconds, number: count)
  }

  private mutating func takeVerdict(_ version: String, _ value: RawSpan?) {
    guard let value else {
      verdicts[version] = nil
      return
    }
    var parser = FlatJSONParser(fields: ["reason"])
    guard (try? parser.parseRecord(value)) != nil else { return }
    verdicts[version] = parser.string(0)
  }
}

/// The Redis key of an entity's hash in Feast: the serialized entity key and the project's name.
///
/// Source: Feast, `sdk/python/feast/infra/key_encoding_utils.py` (`serialize_entity_key`) and
/// `infra/online_stores/helpers.py` (`_redis_key`). The value type is part of the key, so an
/// INT64 and a STRING entity with the same text have different keys.
public struct FeastKey: Sendable {
  /// `entity_key_serialization_version` of the feature store.
  public enum Version: Int, Sendable, CaseIterable {
    /// Join key names without their length; deprecated in Feast 0.50.
    case v2 = 2
    /// As Feast writes it from 0.44 on: with the number of join keys first.
    case v3 = 3
  }

  /// Codes of `feast.types.ValueType`.
  private enum ValueType {
    static let string: UInt32 = 2
    static let int64: UInt32 = 4
  }

  /// Everything before the values.
  private let head: [UInt8]
  private let project: [UInt8]
  /// The declared join keys' indices, sorted by name.
  private let order: [Int]

  /// - Parameter joinKeys: names of the entity's join keys, in the order of the values to come.
  ///   Must be ASCII: up to 0.60 Feast measured names in characters, since then in bytes.
  public init(project: String, joinKeys: [String], version: Version = .v3) {
    precondition(!joinKeys.isEmpty && joinKeys.allSatisfy { $0.utf8.allSatisfy { $0 < 0x80 } })
    self.project = Array(project.utf8)
    order = joinKeys.indices.sorted { joinKeys[$0] < joinKeys[$1] }
    var head: [UInt8] = []
    if version == .v3 { head.appendLittleEndian(UInt32(joinKeys.count)) }
    for index in order {
      let name = joinKeys[index].utf8
      head.appendLittleEndian(ValueType.string)
      if version == .v3 { head.appendLittleEndian(UInt32(name.count)) }
      head.append(contentsOf: name)
    }
    self.head = head
  }

  /// Appends the Redis key of a single INT64 join key to `bytes`.
  public func append(_ value: Int64, to bytes: inout [UInt8]) {
    precondition(order.count == 1)
    bytes.append(contentsOf: head)
    Self.append(value, to: &bytes)
    bytes.append(contentsOf: project)
  }

  /// Appends the Redis key of a single STRING join key to `bytes`.
  public func append(_ value: String, to bytes: inout [UInt8]) {
    precondition(order.count == 1)
    bytes.append(contentsOf: head)
    Self.append(value, to: &bytes)
    bytes.append(contentsOf: project)
  }

  /// Appends the Redis key of several join keys to `bytes`, values in the order of `joinKeys`.
  public func append(_ values: [EntityValue], to bytes: inout [UInt8]) {
    precondition(order.count == values.count)
    bytes.append(contentsOf: head)
    for index in order {
      switch values[index] {
      case .int64(let value): Self.append(value, to: &bytes)
      case .string(let value): Self.append(value, to: &bytes)
      }
    }
    bytes.append(contentsOf: project)
  }

  /// The value of a Redis key with a single INT64 join key; `nil` for any other key, also one of a
  /// project whose name ends like this one's.
  public func int64(of key: [UInt8]) -> Int64? {
    let width = 8
    var expected = head
    expected.appendLittleEndian(ValueType.int64)
    expected.appendLittleEndian(UInt32(width))
    guard key.count == expected.count + width + project.count, key.starts(with: expected),
      key.suffix(project.count).elementsEqual(project)
    else { return nil }
    return key[expected.count..<expected.count + width].reversed().reduce(0) { $0 << 8 | Int64($1) }
  }

  /// A pattern for SCAN that finds all keys of these join keys and this project, and few others.
  var pattern: [UInt8] {
    var pattern: [UInt8] = []
    for byte in head { Self.append(escaped: byte, to: &pattern) }
    pattern.append(UInt8(ascii: "*"))
    for byte in project { Self.append(escaped: byte, to: &pattern) }
    return pattern
  }

  private static func append(escaped byte: UInt8, to pattern: inout [UInt8]) {
    if #"*?[]^-\"#.utf8.contains(byte) { pattern.append(UInt8(ascii: #"\"#)) }
    pattern.append(byte)
  }

  private static func append(_ value: Int64, to bytes: inout [UInt8]) {
    bytes.appendLittleEndian(ValueType.int64)
    bytes.appendLittleEndian(UInt32(8))
    bytes.appendLittleEndian(value)
  }

  private static func append(_ value: String, to bytes: inout [UInt8]) {
    bytes.appendLittleEndian(ValueType.string)
    bytes.appendLittleEndian(UInt32(value.utf8.count))
    bytes.append(contentsOf: value.utf8)
  }
}

/// The value of an entity's join key.
public enum EntityValue: Hashable, Sendable {
  case int64(Int64)
  case string(String)
}

extension [UInt8] {
  mutating func appendLittleEndian(_ value: some FixedWidthInteger) {
    unsafe Swift.withUnsafeBytes(of: value.littleEndian) { unsafe append(contentsOf: $0) }
  }
}

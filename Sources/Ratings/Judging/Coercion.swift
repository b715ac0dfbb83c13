/// A habit of producers that is understood although an event's plain form is another one. A verdict
/// names those that its event needed.
public enum Coercion: UInt8, Hashable, Sendable, CaseIterable {
  /// `timestamp` in milliseconds since 1970.
  case epochMilliseconds
  case epochMicroseconds
  case epochNanoseconds
  /// A number, or the number of a time, as JSON text.
  case numberAsText
  /// A rating within 1e-6 of a half step, as single precision leaves it.
  case floatNoise
  /// A field's name as `userId`, `USER_ID` or the like; a type of event in other letters.
  case spelling
  /// The bytes that a schema registry's serializers put in front.
  case schemaPrefix
  case byteOrderMark
  /// Kafka Connect's `schema` and `payload`.
  case connectEnvelope
  /// Debezium's `before`, `after` and `op`, or its `__deleted`.
  case debeziumEnvelope
  /// A null value under a JSON object as key, which says nothing: it follows a delete.
  case debeziumTombstone
  /// CloudEvents: `data` in structured mode, the time of both modes.
  case cloudEvents

  /// The stable name in the configuration, in verdicts and in counters.
  public var name: StaticString {
    switch self {
    case .epochMilliseconds: "epoch_milliseconds"
    case .epochMicroseconds: "epoch_microseconds"
    case .epochNanoseconds: "epoch_nanoseconds"
    case .numberAsText: "number_as_text"
    case .floatNoise: "float_noise"
    case .spelling: "spelling"
    case .schemaPrefix: "schema_prefix"
    case .byteOrderMark: "byte_order_mark"
    case .connectEnvelope: "connect_envelope"
    case .debeziumEnvelope: "debezium_envelope"
    case .debeziumTombstone: "debezium_tombstone"
    case .cloudEvents: "cloud_events"
    }
  }

  /// - Returns: `nil` for a name that no coercion has.
  public init?(name: String) {
    guard let known = Self.allCases.first(where: { $0.name.description == name }) else {
      return nil
    }
    self = known
  }
}

/// A set of coercions in one word. Iterates in the order of their declaration.
public struct CoercionSet: Hashable, Sendable, Sequence, ExpressibleByArrayLiteral {
  /// A bit each, by the coercion's raw value.
  public private(set) var bits: UInt32 = 0

  public init() {}

  public init(_ coercions: some Sequence<Coercion>) {
    for coercion in coercions { insert(coercion) }
  }

  public init(arrayLiteral elements: Coercion...) {
    self.init(elements)
  }

  /// Every coercion.
  public static let all = CoercionSet(Coercion.allCases)

  public var isEmpty: Bool { bits == 0 }

  public func contains(_ coercion: Coercion) -> Bool {
    bits & (1 << UInt32(coercion.rawValue)) != 0
  }

  public mutating func insert(_ coercion: Coercion) {
    bits |= 1 << UInt32(coercion.rawValue)
  }

  public struct Iterator: IteratorProtocol {
    fileprivate var bits: UInt32

    public mutating func next() -> Coercion? {
      guard bits != 0 else { return nil }
      let lowest = UInt8(bits.trailingZeroBitCount)
      bits &= bits - 1
      return Coercion(rawValue: lowest)
    }
  }

  public func makeIterator() -> Iterator { Iterator(bits: bits) }

  /// The names, in the order of the declaration.
  public var names: [String] { map(\.name.description) }
}

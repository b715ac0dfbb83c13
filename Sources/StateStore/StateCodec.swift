/// A key of a typed table.
///
/// Encoded keys sort by their bytes, and no key is the beginning of another key of its table.
public protocol StateKey: Hashable {
  /// The first part of the key, by default all of it. Keys that share it are neighbours in the
  /// store.
  associatedtype Prefix: StateKey = Self

  var prefix: Prefix { get }

  /// Appends the key's bytes.
  func encode(into bytes: inout [UInt8])

  /// - Returns: `nil` for bytes that are not a key of this kind.
  init?(decoding bytes: RawSpan)
}

extension StateKey where Prefix == Self {
  @inlinable
  public var prefix: Self { self }
}

/// A value as a store keeps it.
public protocol StoredValue {
  associatedtype DecodingError: Error

  /// What to do when the store holds bytes that can't be decoded. Rebuilding it helps, unless the
  /// changelog has the same bytes.
  static var remedyIfUnreadable: StoreError.Remedy { get }

  /// Appends the value's bytes.
  func encode(into bytes: inout [UInt8])

  init(decoding bytes: RawSpan) throws(DecodingError)
}

extension StoredValue {
  @inlinable
  public static var remedyIfUnreadable: StoreError.Remedy { .rebuild }
}

/// A value of a typed table, which has one for every key: an empty one where the store has none.
///
/// Types without an empty value are kept as optionals.
public protocol StateValue: StoredValue {
  /// The empty value.
  init()

  /// Whether the store need not keep the value, because the empty one stands for it.
  var isEmpty: Bool { get }
}

extension Optional: StoredValue where Wrapped: StoredValue {
  @inlinable
  public static var remedyIfUnreadable: StoreError.Remedy { Wrapped.remedyIfUnreadable }

  @inlinable
  public func encode(into bytes: inout [UInt8]) { self?.encode(into: &bytes) }

  @inlinable
  public init(decoding bytes: RawSpan) throws(Wrapped.DecodingError) {
    self = try Wrapped(decoding: bytes)
  }
}

extension Optional: StateValue where Wrapped: StoredValue {
  @inlinable
  public init() { self = nil }

  @inlinable
  public var isEmpty: Bool {
    switch self {
    case nil: true
    case _?: false
    }
  }
}

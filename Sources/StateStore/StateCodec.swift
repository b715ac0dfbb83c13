/// A key of a typed table.
///
/// Encoded keys sort by their bytes, and no key is the beginning of another key of its table.
public protocol StateKey: Hashable {
  /// The first part of the key: keys that share it are neighbours in the store. The whole key,
  /// unless a type says otherwise.
  associatedtype Prefix: StateKey = Self

  var prefix: Prefix { get }

  /// Appends the key's bytes.
  func encode(into bytes: inout [UInt8])

  /// - Returns: `nil` for bytes that are no key of this kind.
  init?(decoding bytes: RawSpan)
}

extension StateKey where Prefix == Self {
  @inlinable
  public var prefix: Self { self }
}

/// A value of a typed table.
public protocol StateValue {
  associatedtype DecodingError: Error

  /// What helps when the store holds bytes that can't be decoded. Rebuilding it does, unless they
  /// are in the changelog too.
  static var remedyIfUnreadable: StoreError.Remedy { get }

  /// Appends the value's bytes.
  func encode(into bytes: inout [UInt8])

  init(decoding bytes: RawSpan) throws(DecodingError)
}

extension StateValue {
  @inlinable
  public static var remedyIfUnreadable: StoreError.Remedy { .rebuild }
}

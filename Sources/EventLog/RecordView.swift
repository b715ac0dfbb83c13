/// One consumed record, borrowed from the log client: valid only inside the call that hands it out.
///
/// The receiver copies what must live longer. A null key or value is `nil`; an empty one is an
/// empty span.
public struct RecordView: ~Escapable {
  /// Index into `ConsumerConfiguration.topics`.
  public let topic: Int
  public let partition: Int32
  public let offset: Int64
  /// Milliseconds since 1970, from the producer or the broker; -1 when the log has none.
  public let timestamp: Int64
  public let key: RawSpan?
  public let value: RawSpan?
  @usableFromInline let headerSource: HeaderSource?

  /// Copies a record's headers on request.
  public struct HeaderSource {
    @usableFromInline let record: UnsafeRawPointer
    @usableFromInline let copy: @Sendable (UnsafeRawPointer) -> [RecordHeader]

    @inlinable
    public init(
      record: UnsafeRawPointer, copy: @escaping @Sendable (UnsafeRawPointer) -> [RecordHeader]
    ) {
      self.record = record
      self.copy = copy
    }
  }

  @inlinable
  @_lifetime(copy key, copy value)
  public init(
    topic: Int, partition: Int32, offset: Int64, timestamp: Int64, key: RawSpan?, value: RawSpan?,
    headers: HeaderSource? = nil
  ) {
    self.topic = topic
    self.partition = partition
    self.offset = offset
    self.timestamp = timestamp
    self.key = key
    self.value = value
    self.headerSource = headers
  }

  /// Copies the record's headers, in order. Most records have none, and most stages don't ask.
  public func copyHeaders() -> [RecordHeader] {
    guard let headerSource else { return [] }
    return headerSource.copy(headerSource.record)
  }
}

/// A record's header. The value's bytes are opaque and may be null.
public struct RecordHeader: Hashable, Sendable {
  public var name: String
  public var value: [UInt8]?

  public init(_ name: String, _ value: [UInt8]?) {
    self.name = name
    self.value = value
  }

  public init(_ name: String, text: String) {
    self.init(name, Array(text.utf8))
  }
}

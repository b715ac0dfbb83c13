/// Consecutive records of one partition with rising offsets; at least one. Borrowed from the log
/// client like its records: valid only inside the call that hands it out.
public struct RecordRun: ~Escapable {
  /// Where a record lies in the client's memory.
  public struct Place {
    public var offset: Int64
    public var timestamp: Int64
    /// `nil` for a null key.
    public var key: UnsafeRawBufferPointer?
    /// `nil` for a null value.
    public var value: UnsafeRawBufferPointer?
    /// What the run's `copyHeaders` is called with.
    public var record: UnsafeRawPointer

    @inlinable
    public init(
      offset: Int64, timestamp: Int64, key: UnsafeRawBufferPointer?,
      value: UnsafeRawBufferPointer?, record: UnsafeRawPointer
    ) {
      self.offset = offset
      self.timestamp = timestamp
      self.key = key
      self.value = value
      self.record = record
    }
  }

  /// Index into `ConsumerConfiguration.topics`.
  public let topic: Int
  public let partition: Int32
  @usableFromInline let places: Span<Place>
  @usableFromInline let copyHeaders: @Sendable (UnsafeRawPointer) -> [RecordHeader]

  /// - Parameters:
  ///   - places: their memory must not change for as long as they are borrowed.
  @inlinable
  @_lifetime(copy places)
  public init(
    topic: Int, partition: Int32, places: Span<Place>,
    copyHeaders: @escaping @Sendable (UnsafeRawPointer) -> [RecordHeader]
  ) {
    self.topic = topic
    self.partition = partition
    self.places = places
    self.copyHeaders = copyHeaders
  }

  @inlinable
  public var count: Int { places.count }
  @inlinable
  public var indices: Range<Int> { places.indices }

  /// Offset of the first record.
  @inlinable
  public var firstOffset: Int64 { places[0].offset }
  /// Offset of the last record.
  @inlinable
  public var lastOffset: Int64 { places[places.count - 1].offset }

  /// The timestamp of the record at an index; see `RecordView.timestamp`.
  @inlinable
  public func timestamp(at index: Int) -> Int64 { places[index].timestamp }

  /// Bytes of all keys and values.
  @inlinable
  public var byteCount: Int {
    var sum = 0
    for index in places.indices {
      sum += (places[index].key?.count ?? 0) + (places[index].value?.count ?? 0)
    }
    return sum
  }

  public subscript(index: Int) -> RecordView {
    @inlinable
    @_lifetime(copy self)
    get {
      let place = places[index]
      return RecordView(
        topic: topic, partition: partition, offset: place.offset, timestamp: place.timestamp,
        key: span(place.key), value: span(place.value),
        headers: RecordView.HeaderSource(record: place.record, copy: copyHeaders))
    }
  }

  /// The records of these indices, as a run; at least one.
  @inlinable
  @_lifetime(copy self)
  public func extracting(_ range: Range<Int>) -> RecordRun {
    RecordRun(
      topic: topic, partition: partition, places: places.extracting(range),
      copyHeaders: copyHeaders)
  }

  /// The index of the first record at or above an offset; `count` when there is none.
  @inlinable
  public func index(ofOffset offset: Int64) -> Int {
    if lastOffset < offset { return count }
    // Usually the first one: fetches begin at the offset asked for.
    var index = 0
    while index < places.count, places[index].offset < offset { index += 1 }
    return index
  }

  @inlinable
  @_lifetime(copy self)
  func span(_ memory: UnsafeRawBufferPointer?) -> RawSpan? {
    guard let memory else { return nil }
    return _overrideLifetime(RawSpan(_unsafeBytes: memory), copying: self)
  }
}

extension LogConsumer {
  /// As `pollRuns`, with one record a call. Stopping also drops the rest of the run.
  @inlinable
  public func poll(
    maxRecords: Int, timeout: Duration, _ body: (borrowing RecordView) -> Bool
  ) throws(LogError) -> PollResult {
    var records = 0
    var result = try pollRuns(maxRecords: maxRecords, timeout: timeout) { run in
      for index in run.indices {
        records += 1
        guard body(run[index]) else { return false }
      }
      return true
    }
    result.records = records
    return result
  }
}

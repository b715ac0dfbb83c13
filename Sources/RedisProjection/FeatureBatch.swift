/// Rows of features for one write, in memory that is reused from batch to batch.
///
/// `put` begins a row; one `append` per feature of its view completes it.
public struct FeatureBatch: Sendable {
  /// The rows of one view, in the layout that `FeatureScript` takes.
  struct ViewRows: Sendable {
    let view: FeastView
    private(set) var keys: [UInt8] = []
    private(set) var keyLengths: [Int] = []
    /// Where each row's key begins, and where the last one ends.
    private(set) var keyBounds: [Int] = [0]
    /// Each row's fence and content.
    private(set) var arguments: [UInt8] = []
    private(set) var argumentLengths: [Int] = []
    private(set) var argumentBounds: [Int] = [0]
    /// Values that the last row still lacks.
    private(set) var missing = 0

    init(_ view: FeastView) {
      self.view = view
    }

    var count: Int { keyLengths.count }

    /// Begins a row whose content, its time and values, has this many parts.
    mutating func begin(_ key: RawSpan, _ fence: Fence, parts: Int) {
      precondition(missing == 0, "the previous row lacks values of \(view.name)")
      unsafe key.withUnsafeBytes { unsafe keys.append(contentsOf: $0) }
      keyLengths.append(key.byteCount)
      keyBounds.append(keys.count)
      fence.append(to: &arguments)
      argumentLengths.append(Fence.byteCount)
      argumentLengths.append(0)
      argumentBounds.append(arguments.count)
      missing = parts
    }

    /// Adds what `write` appends as the next part, prefixed with its length.
    @inline(__always)
    mutating func append(_ write: (inout [UInt8]) -> Void) {
      precondition(missing > 0, "more values than features")
      missing -= 1
      let start = arguments.count
      arguments.appendLittleEndian(UInt32(0))
      write(&arguments)
      var length = UInt32(arguments.count - start - 4)
      for index in start..<start + 4 {
        arguments[index] = UInt8(truncatingIfNeeded: length)
        length >>= 8
      }
      endContent(from: start)
    }

    /// Makes the row a tombstone.
    mutating func appendTombstone() {
      let start = arguments.count
      arguments.append(FeatureScript.tombstone)
      endContent(from: start)
    }

    private mutating func endContent(from start: Int) {
      argumentLengths[argumentLengths.count - 1] += arguments.count - start
      argumentBounds[argumentBounds.count - 1] = arguments.count
    }

    mutating func removeAll() {
      keys.removeAll(keepingCapacity: true)
      keyLengths.removeAll(keepingCapacity: true)
      keyBounds.removeLast(keyBounds.count - 1)
      arguments.removeAll(keepingCapacity: true)
      argumentLengths.removeAll(keepingCapacity: true)
      argumentBounds.removeLast(argumentBounds.count - 1)
      missing = 0
    }

    func appendKeys(_ rows: Range<Int>, to command: inout RedisCommand) {
      command.append(
        contentsOf: keys[keyBounds[rows.lowerBound]..<keyBounds[rows.upperBound]],
        lengths: keyLengths[rows])
    }

    func appendArguments(_ rows: Range<Int>, to command: inout RedisCommand) {
      command.append(
        contentsOf: arguments[argumentBounds[rows.lowerBound]..<argumentBounds[rows.upperBound]],
        lengths: argumentLengths[2 * rows.lowerBound..<2 * rows.upperBound])
    }
  }

  private(set) var views: [ViewRows]
  private var current = 0

  /// - Parameter views: the views that rows may belong to, by index.
  public init(views: [FeastView]) {
    precondition(!views.isEmpty)
    self.views = views.map(ViewRows.init)
  }

  /// Rows held.
  public var count: Int { views.reduce(0) { $0 + $1.count } }
  public var isEmpty: Bool { views.allSatisfy { $0.count == 0 } }
  /// Bytes of keys and values held.
  public var byteCount: Int { views.reduce(0) { $0 + $1.keys.count + $1.arguments.count } }

  /// Begins a row that sets all features of a view.
  ///
  /// - Parameters:
  ///   - view: index into the batch's views.
  ///   - key: the entity's Redis key, made by `FeastKey`.
  ///   - eventTime: the values', in milliseconds since 1970.
  public mutating func put(view: Int, key: RawSpan, fence: Fence, eventTime: Int64) {
    current = view
    views[view].begin(key, fence, parts: 1 + views[view].view.features.count)
    views[view].append { FeastTimestamp.append(milliseconds: eventTime, to: &$0) }
  }

  /// Adds the row's next value, in the order of the view's features; `nil` is a missing value.
  public mutating func append(_ value: FeastValue?) {
    views[current].append { value?.append(to: &$0) }
  }

  /// Adds a complete row that removes all features of a view.
  public mutating func delete(view: Int, key: RawSpan, fence: Fence) {
    current = view
    views[view].begin(key, fence, parts: 0)
    views[view].appendTombstone()
  }

  /// Hands every row to `body`, view by view: its key, its fence, and its content in the layout
  /// that `FeatureScript` takes, `nil` for a tombstone.
  package func forEachRow<E: Error>(
    _ body: (_ view: Int, _ key: RawSpan, _ fence: Fence, _ content: RawSpan?) throws(E) -> Void
  ) throws(E) {
    for (view, rows) in views.enumerated() {
      for row in 0..<rows.count {
        let key = unsafe rows.keys.span.bytes.extracting(
          rows.keyBounds[row]..<rows.keyBounds[row + 1])
        let start = rows.argumentBounds[row]
        let bytes = unsafe rows.arguments.span.bytes
        let content = bytes.extracting(start + Fence.byteCount..<rows.argumentBounds[row + 1])
        guard
          let fence = Fence(serialized: bytes.extracting(start..<start + Fence.byteCount))
        else { preconditionFailure("a fence that can't be read") }
        try body(view, key, fence, content.byteCount == 1 ? nil : content)
      }
    }
  }

  /// Forgets all rows and keeps the memory for the next batch.
  public mutating func removeAll() {
    for index in views.indices { views[index].removeAll() }
  }
}

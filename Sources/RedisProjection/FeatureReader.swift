/// One entity's features of one view, as Redis holds them.
public struct RedisRow: Hashable, Sendable {
  /// In the order of the view's features; `nil` where there is no value.
  public var values: [FeastValue?]
  /// The values' event time, in milliseconds since 1970.
  public var eventTime: Int64?
  /// The newest write's fence, which stays after a deletion.
  public var fence: Fence?
}

/// Reads features back from Redis. Belongs to one thread.
public final class FeatureReader {
  private let configuration: RedisConfiguration
  private var connection: RedisConnection?
  private var command = RedisCommand()

  public init(_ configuration: RedisConfiguration) {
    self.configuration = configuration
  }

  /// The row of the entity with this Redis key, `nil` if there is none.
  ///
  /// Connects on first use and after an error.
  public func read(_ view: FeastView, key: RawSpan) throws(RedisError) -> RedisRow? {
    command.removeAll()
    command.append(copying: "HMGET".utf8)
    unsafe key.withUnsafeBytes { unsafe command.append(copying: $0) }
    for field in view.fields { command.append(copying: field) }
    command.append(copying: view.timestampField)
    command.append(copying: view.fenceField)
    let connection = try takeConnection()
    try connection.append(&command)
    let reply = try connection.reply()
    if let error = reply.error { throw connection.error(error) }
    self.connection = connection
    let found = reply.elements
    guard found.count == view.fields.count + 2, found.contains(where: { $0 != nil }) else {
      return nil
    }
    return RedisRow(
      values: found.prefix(view.fields.count).map { bytes in
        bytes.flatMap { unsafe FeastValue(serialized: $0.span.bytes) }
      },
      eventTime: found[view.fields.count].flatMap {
        unsafe FeastTimestamp.milliseconds(serialized: $0.span.bytes)
      },
      fence: found[view.fields.count + 1].flatMap { unsafe Fence(serialized: $0.span.bytes) })
  }

  /// The connection, or a new one. The caller puts it back only after a success.
  private func takeConnection() throws(RedisError) -> RedisConnection {
    if let connection {
      self.connection = nil
      return connection
    }
    return try RedisConnection(configuration)
  }
}

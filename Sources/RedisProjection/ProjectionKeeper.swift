/// Reads and changes the record of what is projected, and finds and removes rows. Belongs to one
/// thread.
///
/// Connects on first use and after an error.
public final class ProjectionKeeper {
  /// What a scan tells of a row.
  public struct Row: Hashable, Sendable {
    public var entity: Int64
    public var fence: Fence?
    /// `nil` for one that was deleted, of which the fence is left.
    public var eventTime: Int64?

    public init(entity: Int64, fence: Fence?, eventTime: Int64?) {
      self.entity = entity
      self.fence = fence
      self.eventTime = eventTime
    }
  }

  /// A place in a scan.
  public struct Cursor: Hashable, Sendable {
    fileprivate var text: [UInt8]

    public init() { text = Array("0".utf8) }
  }

  private let configuration: RedisConfiguration
  private let project: String
  private var connection: RedisConnection?
  private var command = RedisCommand()

  public init(_ configuration: RedisConfiguration, project: String) {
    self.configuration = configuration
    self.project = project
  }

  private var recordKey: String { ProjectionRecord.key(project: project) }

  private func perform<R>(_ body: (RedisConnection) throws(RedisError) -> R) throws(RedisError)
    -> R
  {
    let connection: RedisConnection
    if let kept = self.connection {
      self.connection = nil
      connection = kept
    } else {
      connection = try RedisConnection(configuration)
    }
    let result = try body(connection)
    self.connection = connection
    return result
  }

  // MARK: The record

  /// The record; `nil` if there is none.
  ///
  /// - Throws: `unknownRecord` when it is of a format that this version does not know.
  public func record() throws(RedisError) -> ProjectionRecord? {
    let found = try perform { connection throws(RedisError) in
      let reply = try connection.exchange(["HGETALL", recordKey])
      if let error = reply.error { throw connection.error("\(error): \(recordKey)") }
      guard reply.isArray else { throw connection.unexpected("HGETALL") }
      return reply.elements
    }
    guard !found.isEmpty else { return nil }
    var fields: [String: String] = [:]
    for index in stride(from: 0, to: found.count - 1, by: 2) {
      fields[Self.text(found[index])] = Self.text(found[index + 1])
    }
    guard let record = ProjectionRecord(fields: fields) else {
      throw RedisError(.unknownRecord, at: configuration.address.place, recordKey)
    }
    return record
  }

  private static func text(_ bytes: [UInt8]?) -> String {
    String(decoding: bytes ?? [], as: UTF8.self)
  }

  /// Makes the record unless there is one.
  ///
  /// - Returns: whether it did.
  public func begin(_ record: ProjectionRecord) throws(RedisError) -> Bool {
    try evaluate(ProjectionScript.begin, record.fields) == 1
  }

  /// Makes a record in the place of another one.
  ///
  /// - Parameter epoch: of the one that must be there now; `nil` for none.
  /// - Returns: false if that is not so.
  public func replace(epoch: UInt64?, by record: ProjectionRecord) throws(RedisError) -> Bool {
    try evaluate(ProjectionScript.replace, [epoch.map { "\($0)" } ?? ""] + record.fields) == 1
  }

  /// Notes that no rows of earlier epochs are left.
  public func endSweep(_ permit: ProjectionPermit) throws(RedisError) {
    let arguments = [permit.owner.application, permit.owner.cluster, "\(permit.epoch)"]
    _ = try evaluate(ProjectionScript.endSweep, arguments)
  }

  private func evaluate(_ script: String, _ arguments: [String]) throws(RedisError) -> Int64? {
    try perform { connection throws(RedisError) in
      try connection.call(["EVAL", script, "1", recordKey] + arguments).integer
    }
  }

  // MARK: Rows

  /// The rows of a view that one step of a scan finds, which may find none, or one twice.
  ///
  /// - Returns: where the scan goes on; `nil` at its end.
  public func scan(_ view: FeastLayout, from cursor: Cursor, _ body: (Row) -> Void)
    throws(RedisError)
    -> Cursor?
  {
    try perform { connection throws(RedisError) in
      let (next, keys) = try page(view, cursor, connection)
      for key in keys {
        command.removeAll()
        command.append(copying: "HMGET".utf8)
        command.append(copying: key)
        command.append(copying: view.fields.fenceField)
        command.append(copying: view.fields.timestampField)
        try connection.append(&command)
      }
      for key in keys {
        let reply = try connection.reply()
        if let error = reply.error {
          // A key that holds something else is no row, and must not hide the others.
          if RedisCondition(reply: error) == .wrongType { continue }
          throw connection.error(error)
        }
        let found = reply.elements
        guard let entity = view.key.int64(of: key), found.count == 2,
          found[0] != nil || found[1] != nil
        else { continue }
        body(
          Row(
            entity: entity,
            fence: found[0].flatMap { unsafe Fence(serialized: $0.span.bytes) },
            eventTime: found[1].flatMap {
              unsafe FeastTimestamp.milliseconds(serialized: $0.span.bytes)
            }))
      }
      return next
    }
  }

  /// Removes what earlier epochs, or writers without fences, have left of a view, in one step of a
  /// scan.
  ///
  /// - Parameter removed: gets the number of rows with features that were removed.
  /// - Returns: where the scan goes on; `nil` at its end.
  public func sweep(
    _ view: FeastLayout, from cursor: Cursor, _ permit: ProjectionPermit, removed: inout Int
  ) throws(RedisError) -> Cursor? {
    let (next, count) = try perform { connection throws(RedisError) -> (Cursor?, Int) in
      let (next, keys) = try page(view, cursor, connection)
      guard !keys.isEmpty else { return (next, 0) }
      command.removeAll()
      command.append(copying: "EVAL".utf8)
      command.append(copying: ProjectionScript.sweep.utf8)
      command.append(copying: String(1 + keys.count).utf8)
      command.append(copying: recordKey.utf8)
      for key in keys { command.append(copying: key) }
      permit.append(to: &command)
      var fence: [UInt8] = []
      Fence(generation: permit.epoch, offset: 0).append(to: &fence)
      command.append(copying: fence)
      command.append(copying: view.fields.fenceField)
      command.append(copying: view.fields.timestampField)
      for field in view.fields.fields { command.append(copying: field) }
      return (next, Int(try connection.call(&command).integer ?? 0))
    }
    removed += count
    return next
  }

  private static let keysPerPage = "500"

  private func page(_ view: FeastLayout, _ cursor: Cursor, _ connection: RedisConnection)
    throws(RedisError) -> (next: Cursor?, keys: [[UInt8]])
  {
    command.removeAll()
    command.append(copying: "SCAN".utf8)
    command.append(copying: cursor.text)
    command.append(copying: "MATCH".utf8)
    command.append(copying: view.key.pattern)
    command.append(copying: "COUNT".utf8)
    command.append(copying: Self.keysPerPage.utf8)
    guard let (text, keys) = try connection.call(&command).page else {
      throw connection.unexpected("SCAN")
    }
    var next = Cursor()
    let isAtEnd = text == next.text
    next.text = text
    return (isAtEnd ? nil : next, keys.filter { view.key.int64(of: $0) != nil })
  }
}

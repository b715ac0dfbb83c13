/// Writes batches of features to Redis, each row fenced. Belongs to one thread.
///
/// Connects on first use and after an error. A failed batch may have been written in part; writing
/// it again is harmless, because fences leave out what is there already.
public final class FeatureWriter {
  /// How many of a batch's rows were written.
  public struct Counts: Hashable, Sendable {
    /// Rows newer than the stored ones.
    public var written = 0
    /// Rows left out because they were not newer.
    public var fenced = 0
    /// Keys that held something other than a hash, which is gone.
    public var replaced = 0

    public init(written: Int = 0, fenced: Int = 0, replaced: Int = 0) {
      self.written = written
      self.fenced = fenced
      self.replaced = replaced
    }

    public static func += (all: inout Self, more: Self) {
      all.written += more.written
      all.fenced += more.fenced
      all.replaced += more.replaced
    }
  }

  private struct Chunk {
    var view: Int
    var rows: Range<Int>
    /// Whether it moves the positions.
    var isLast = false
  }

  private struct Session {
    let connection: RedisConnection
    /// The SHA-1 by which the server knows the script, in hexadecimal.
    var script: [UInt8]
  }

  private let configuration: RedisConfiguration
  private let rowsPerCommand: Int
  private var session: Session?
  private var command = RedisCommand()

  /// - Parameter rowsPerCommand: rows per script call, which blocks the server.
  public init(_ configuration: RedisConfiguration, rowsPerCommand: Int = 64) {
    precondition(rowsPerCommand > 0)
    self.configuration = configuration
    self.rowsPerCommand = rowsPerCommand
  }

  /// Writes all rows, those of a view in order, and waits until the server has them. Positions
  /// move with the last rows, when the server has all others.
  ///
  /// - Throws: what the server's condition is: once that is mended, write again. An error with a
  ///   refusal if its record does not permit the write.
  public func write(_ batch: FeatureBatch, by permit: ProjectionPermit) throws(RedisError)
    -> Counts
  {
    var chunks: [Chunk] = []
    for (index, rows) in batch.views.enumerated() {
      precondition(rows.missing == 0, "the last row lacks values of \(rows.view.name)")
      for start in stride(from: 0, to: rows.count, by: rowsPerCommand) {
        chunks.append(Chunk(view: index, rows: start..<min(start + rowsPerCommand, rows.count)))
      }
    }
    var last: [Chunk] = []
    if !permit.advances.isEmpty {
      last = [chunks.popLast() ?? Chunk(view: 0, rows: 0..<0)]
      last[0].isLast = true
    }
    guard !chunks.isEmpty || !last.isEmpty else { return Counts() }
    var session = try takeSession()
    var counts = Counts()
    for chunks in [chunks, last] where !chunks.isEmpty {
      let unknown = try send(
        chunks, of: batch, permit, by: session, mayBeUnknown: true, &counts)
      if !unknown.isEmpty {
        session.script = try Self.load(session.connection)
        _ = try send(unknown, of: batch, permit, by: session, mayBeUnknown: false, &counts)
      }
    }
    self.session = session
    return counts
  }

  /// The session, or a new one. The caller puts it back only after a success.
  private func takeSession() throws(RedisError) -> Session {
    if let session {
      self.session = nil
      return session
    }
    return try connect()
  }

  private func connect() throws(RedisError) -> Session {
    let connection = try RedisConnection(configuration)
    return Session(connection: connection, script: try Self.load(connection))
  }

  private static func load(_ connection: RedisConnection) throws(RedisError) -> [UInt8] {
    let reply = try connection.call(["SCRIPT", "LOAD", FeatureScript.source])
    guard let name = reply.bytes else { throw connection.unexpected("SCRIPT LOAD") }
    return name
  }

  /// Sends the chunks in one pipeline.
  ///
  /// - Returns: the chunks not executed because the server has lost the script (SCRIPT FLUSH,
  ///   failover).
  private func send(
    _ chunks: [Chunk], of batch: FeatureBatch, _ permit: ProjectionPermit, by session: Session,
    mayBeUnknown: Bool, _ counts: inout Counts
  ) throws(RedisError) -> [Chunk] {
    for chunk in chunks {
      fillCommand(batch.views[chunk.view], chunk, permit, session.script)
      try session.connection.append(&command)
    }
    var unknown: [Chunk] = []
    for chunk in chunks {
      let reply = try session.connection.reply()
      if let error = reply.error {
        guard mayBeUnknown && error.hasPrefix("NOSCRIPT") else {
          throw session.connection.error(error)
        }
        unknown.append(chunk)
      } else {
        let numbers = reply.integers
        guard let written = numbers.first, (0...Int64(chunk.rows.count)).contains(written) else {
          throw session.connection.unexpected("EVALSHA")
        }
        counts += Counts(
          written: Int(written), fenced: chunk.rows.count - Int(written),
          replaced: numbers.count > 1 ? Int(clamping: numbers[1]) : 0)
      }
    }
    return unknown
  }

  private func fillCommand(
    _ all: FeatureBatch.ViewRows, _ chunk: Chunk, _ permit: ProjectionPermit, _ script: [UInt8]
  ) {
    command.removeAll()
    command.append(copying: "EVALSHA".utf8)
    command.append(copying: script)
    command.append(copying: String(1 + chunk.rows.count).utf8)
    command.append(copying: ProjectionRecord.key(project: permit.project).utf8)
    all.appendKeys(chunk.rows, to: &command)
    permit.append(to: &command)
    command.append(copying: (permit.replacesEqual ? "1" : "0").utf8)
    let advances = chunk.isLast ? permit.advances : []
    command.append(copying: String(advances.count).utf8)
    for advance in advances {
      command.append(copying: advance.partition.utf8)
      command.append(copying: (advance.from?.text ?? "").utf8)
      command.append(copying: advance.to.text.utf8)
    }
    command.append(copying: String(all.view.fields.count).utf8)
    command.append(copying: all.view.fenceField)
    command.append(copying: all.view.timestampField)
    for field in all.view.fields { command.append(copying: field) }
    all.appendArguments(chunk.rows, to: &command)
  }
}

extension ProjectionPermit {
  /// Appends the owner and the epoch, as every script takes them.
  func append(to command: inout RedisCommand) {
    command.append(copying: owner.application.utf8)
    command.append(copying: owner.cluster.utf8)
    command.append(copying: String(epoch).utf8)
  }
}

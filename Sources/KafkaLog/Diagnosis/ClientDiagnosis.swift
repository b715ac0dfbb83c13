import EventLog

/// What a client's log lines say about why it does not get on: collected on librdkafka's threads.
struct ClientDiagnosis: Sendable {
  /// What each kind of line says, by its facility in the log.
  private static let readers: [String: @Sendable (inout Self, String) -> Void] = [
    "FAIL": { $0.trouble = ConnectionTrouble(facility: "FAIL", line: $1) ?? $0.trouble },
    "SSLCERTVRFY": { $0.noteCertificate($1) },
    "ADDPARTS": { $0.noteTransaction($1) },
    "PARTCNT": { $0.noteCount($1) },
  ]
  /// Those of the lines that are noted.
  static let facilities = Set(readers.keys)

  private(set) var trouble: ConnectionTrouble?
  /// What is wrong with the broker's certificate.
  private(set) var certificate: String?
  /// Topics that could not be added to a transaction for lack of a right.
  private(set) var unwritable: Set<String> = []
  /// Partitions that are part of the transaction; noted only where librdkafka's log has them.
  private(set) var registered: Set<String> = []
  /// Topics that lost partitions: deleted, and perhaps made again.
  private(set) var shrunken: Set<String> = []

  mutating func note(facility: String, line: String) {
    Self.readers[facility]?(&self, line)
  }

  /// … verification callback failed: REASON
  private mutating func noteCertificate(_ line: String) {
    certificate = line.ranges(of: "failed: ").last.map { String(line[$0.upperBound...]) }
  }

  private mutating func noteTransaction(_ line: String) {
    if let start = line.firstRange(of: "Failed to add partition \"") {
      let rest = line[start.upperBound...]
      guard rest.contains("authorization failed"), let end = rest.firstIndex(of: "\"") else {
        return
      }
      unwritable.insert(String(rest[..<end]))
    } else if line.hasSuffix("] registered with transaction") {
      // [thrd:main]: TOPIC [0] registered with transaction
      let words = line.split(separator: " ")
      if words.count >= 5 { registered.insert(String(words[words.count - 5])) }
    }
  }

  /// [thrd:main]: Topic TOPIC partition count changed from OLD to NEW
  private mutating func noteCount(_ line: String) {
    let words = line.split(separator: " ")
    guard words.count >= 9, let old = Int(words[words.count - 3]), let new = Int(words.last ?? ""),
      new < old
    else { return }
    shrunken.insert(String(words[words.count - 8]))
  }

  /// Those that lost partitions since the last call.
  mutating func takeShrunken() -> Set<String> {
    defer { shrunken = [] }
    return shrunken
  }

  /// The client has a connection.
  mutating func isConnected() { (trouble, certificate) = (nil, nil) }
}

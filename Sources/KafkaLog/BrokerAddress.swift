/// An entry of `bootstrap.servers`: `HOST`, `HOST:PORT`, or either behind the name of a protocol.
///
/// librdkafka reads a port that is no number as 0, and leaves out what is behind a protocol that it
/// does not know.
enum BrokerAddress {
  private static let protocols = ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]

  /// The first entry that is no address.
  static func firstFault(in servers: String) -> String? {
    servers.split(separator: ",").map { $0.trimmingBlanks() }
      .first { !isAddress($0) }.map(String.init)
  }

  /// The protocol of the first entry that names another one: librdkafka reads no further.
  static func otherProtocol(in servers: String, than spoken: String) -> String? {
    for entry in servers.split(separator: ",").map({ $0.trimmingBlanks() }) {
      guard let scheme = entry.firstRange(of: "://") else { continue }
      let name = entry[..<scheme.lowerBound].uppercased()
      if name != spoken.uppercased() { return name }
    }
    return nil
  }

  private static func isAddress(_ entry: Substring) -> Bool {
    var rest = entry
    if let scheme = rest.firstRange(of: "://") {
      guard protocols.contains(rest[..<scheme.lowerBound].lowercased()) else { return false }
      rest = rest[scheme.upperBound...]
    }
    guard !rest.isEmpty, !rest.contains(where: { $0.isWhitespace || $0 == "/" }) else {
      return false
    }
    // An IPv6 address has colons of its own, in brackets or alone.
    if rest.first == "[", let end = rest.firstIndex(of: "]") {
      rest = rest[rest.index(after: end)...]
      return rest.isEmpty || rest.first == ":" && isPort(rest.dropFirst())
    }
    guard let colon = rest.firstIndex(of: ":") else { return true }
    let port = rest[rest.index(after: colon)...]
    return port.contains(":") || colon > rest.startIndex && isPort(port)
  }

  private static func isPort(_ text: Substring) -> Bool {
    Int(text).map { (1...65_535).contains($0) } ?? false
  }
}

extension Substring {
  fileprivate func trimmingBlanks() -> Substring {
    let start = drop(while: \.isWhitespace)
    guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return start[...end]
  }
}

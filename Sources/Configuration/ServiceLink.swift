/// Variables that Kubernetes adds to every container for each service, in the style of Docker's
/// links: `REDIS_SERVICE_HOST`, `REDIS_SERVICE_PORT_WEB`, `REDIS_PORT_6379_TCP_ADDR`.
enum ServiceLink {
  private static let protocols: Set<Substring> = ["TCP", "UDP", "SCTP"]

  /// - Parameter name: of a variable that is no setting's.
  static func isOne(_ name: String, _ value: String) -> Bool {
    let words = name.split(separator: "_")
    for (index, word) in words.enumerated().dropFirst() {
      let rest = words[(index + 1)...]
      switch word {
      case "SERVICE" where rest.first == "HOST" && rest.count == 1: return true
      case "SERVICE" where rest.first == "PORT": return true
      case "PORT" where rest.isEmpty && value.contains("://"): return true
      case "PORT" where isPort(rest): return true
      default: continue
      }
    }
    return false
  }

  /// `6379_TCP`, alone or with what is said of it.
  private static func isPort(_ words: ArraySlice<Substring>) -> Bool {
    guard (2...3).contains(words.count), let port = words.first,
      UInt16(port) != nil, protocols.contains(words[words.startIndex + 1])
    else { return false }
    return words.count == 2 || ["PROTO", "PORT", "ADDR"].contains(words.last)
  }
}

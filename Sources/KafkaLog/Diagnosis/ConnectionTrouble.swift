import EventLog

/// Why a client gets no connection, from librdkafka's log line about it: the error codes say only
/// that there is none.
struct ConnectionTrouble: Hashable, Sendable {
  enum Cause: Hashable, Sendable {
    case credentials
    case mechanism
    /// The listener does not speak SASL.
    case saslUnknown
    case saslRequired
    case certificate
    case clientCertificate
    /// Closed at the first request, as by a listener with TLS, or by a proxy without a broker.
    case closedPlain
    /// Closed in the TLS handshake, as by a listener without TLS.
    case closedTLS
    case noKafka
    /// A connection on which nothing comes back.
    case silent
    case hostUnknown
    case refused
    case other
  }

  var cause: Cause
  /// `host:port` that was tried.
  var address: String
  /// librdkafka's own words.
  var text: String

  /// - Returns: `nil` for a line that is about something else.
  init?(facility: String, line: String) {
    guard facility == "FAIL" else { return nil }
    // [thrd:NAME]: sasl_ssl://HOST:PORT/ID: TEXT (after 3ms in state UP, 1 identical error(s) …)
    var rest = Substring(line)
    if rest.hasPrefix("[thrd:"), let end = rest.firstRange(of: "]: ") {
      rest = rest[end.upperBound...]
    }
    guard let colon = rest.firstRange(of: ": ") else { return nil }
    var name = rest[..<colon.lowerBound]
    rest = rest[colon.upperBound...]
    if let scheme = name.firstRange(of: "://") { name = name[scheme.upperBound...] }
    if let slash = name.lastIndex(of: "/") { name = name[..<slash] }
    if let end = rest.ranges(of: " (after ").last { rest = rest[..<end.lowerBound] }
    address = String(name)
    text = String(rest)
    cause = Self.cause(of: text)
  }

  private static let causes: [(part: String, cause: Cause)] = [
    ("SASL authentication error", .credentials), ("Unsupported SASL mechanism", .mechanism),
    ("Request not valid in current SASL state", .saslUnknown),
    ("might require SASL authentication", .saslRequired),
    ("certificate verify failed", .certificate),
    ("alert bad certificate", .clientCertificate), ("certificate required", .clientCertificate),
    ("alert handshake failure", .clientCertificate),
    ("while requesting ApiVersion", .closedPlain),
    ("SSL handshake failed", .closedTLS), ("SSL routines::wrong version number", .closedTLS),
    ("SSL routines::unexpected eof", .closedTLS),
    ("Invalid response size", .noKafka), ("ApiVersionRequest failed: Local: Timed out", .silent),
    ("Failed to resolve", .hostUnknown),
    ("Connection refused", .refused),
  ]

  private static func cause(of text: String) -> Cause {
    causes.first { text.contains($0.part) }?.cause ?? .other
  }

  /// Whether the listener's protocol is only guessed: see `ListenerProbe`.
  var isGuess: Bool { [.saslRequired, .closedPlain, .closedTLS].contains(cause) }

  /// The failure with what to do about it.
  ///
  /// - Parameters:
  ///   - certificate: what is wrong with the broker's, if that is known.
  ///   - speaks: what a probe of the listener has found that it speaks.
  func error(certificate: String? = nil, speaks: String? = nil) -> LogError {
    func error(_ code: LogError.Code, _ advice: String) -> LogError {
      LogError(
        code, "no Kafka broker answers at \(address): \(text)",
        reaction: code == .unavailable ? .retry : .stopDaemon
      ).advised(advice)
    }
    let protocolKey = "kafka.security.protocol"
    switch cause {
    case .credentials:
      return error(.denied, "correct kafka.sasl.username and kafka.sasl.password")
    case .mechanism:
      return error(.configuration, "set kafka.sasl.mechanisms to one that the broker supports")
    case .saslUnknown:
      return error(
        .configuration,
        "the listener does not speak SASL: set \(protocolKey) to PLAINTEXT or SSL, or take the"
          + " port of a listener with SASL")
    case .certificate:
      return Self.certificateError(at: address, certificate, text)
    case .clientCertificate:
      return error(
        .denied,
        "the broker wants a client's certificate that it trusts: set kafka.ssl.certificate.location"
          + " and kafka.ssl.key.location")
    case .saslRequired, .closedPlain, .closedTLS:
      guard let speaks else {
        let hint = cause == .saslRequired ? ": it may want SASL" : ""
        return error(
          .unavailable,
          "check that Kafka runs there, and that \(protocolKey) is that of the listener\(hint)")
      }
      let keys = speaks.hasPrefix("SASL_") ? ", and the kafka.sasl.* keys" : ""
      return error(
        .configuration, "the listener speaks \(speaks): set \(protocolKey) to \(speaks)\(keys)")
    case .noKafka:
      return error(
        .configuration, "what answers there is not Kafka: correct kafka.bootstrap.servers")
    case .silent:
      // librdkafka's own text blames the broker's version.
      return LogError(
        .unavailable,
        "no Kafka broker answers at \(address): it takes connections, and nothing comes back",
        reaction: .retry
      ).advised("it may hang, or not be Kafka: check kafka.bootstrap.servers")
    case .hostUnknown, .refused, .other:
      return error(.unavailable, "check kafka.bootstrap.servers, and that Kafka runs")
    }
  }

  private static func certificateError(at address: String, _ reason: String?, _ text: String)
    -> LogError
  {
    let problem = reason.map(CertificateProblem.init) ?? .unknown
    return LogError(
      .configuration,
      "the certificate of the broker at \(address) is refused: \(reason ?? text)",
      reaction: .stopDaemon
    ).advised(problem.advice)
  }
}

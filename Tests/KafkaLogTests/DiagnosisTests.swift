import EventLog
import Testing

@testable import KafkaLog

/// Lines of librdkafka 2.0.2 as Apache Kafka 3.9 brings them about.
private let lines:
  [(text: String, cause: ConnectionTrouble.Cause, code: LogError.Code, hint: String)] = [
    (
      "SASL authentication error: Authentication failed: Invalid username or password",
      .credentials, .denied, "kafka.sasl.password"
    ),
    (
      "SASL authentication error: Authentication failed during authentication due to invalid"
        + " credentials with SASL mechanism SCRAM-SHA-256", .credentials, .denied,
      "kafka.sasl.username"
    ),
    (
      "SASL SCRAM-SHA-512 mechanism handshake failed: Broker: Unsupported SASL mechanism: broker's"
        + " supported mechanisms: PLAIN", .mechanism, .configuration, "kafka.sasl.mechanisms"
    ),
    (
      "SASL PLAIN mechanism handshake failed: Broker: Request not valid in current SASL state:"
        + " broker's supported mechanisms: ", .saslUnknown, .configuration, "does not speak SASL"
    ),
    (
      "Disconnected: verify that security.protocol is correctly configured, broker might require SASL"
        + " authentication", .saslRequired, .unavailable, "may want SASL"
    ),
    (
      "SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker"
        + " certificate could not be verified, verify that ssl.ca.location is correctly configured",
      .certificate, .configuration, "kafka.ssl.ca.location"
    ),
    (
      "error:0A000086:SSL routines::certificate verify failed", .certificate, .configuration,
      "kafka.ssl.ca.location"
    ),
    (
      "Receive failed: error:0A000412:SSL routines::sslv3 alert bad certificate: SSL alert number 42",
      .clientCertificate, .denied, "kafka.ssl.certificate.location"
    ),
    (
      "Disconnected while requesting ApiVersion: might be caused by incorrect security.protocol"
        + " configuration (connecting to a SSL listener?) or broker version is < 0.10",
      .closedPlain, .unavailable, "kafka.security.protocol"
    ),
    (
      "error:0A000126:SSL routines::unexpected eof while reading", .closedTLS, .unavailable,
      "kafka.security.protocol"
    ),
    (
      "SSL handshake failed: error:0A000126:SSL routines::unexpected eof while reading", .closedTLS,
      .unavailable, "kafka.security.protocol"
    ),
    (
      "Receive failed: Invalid response size 1213486160 (0..100000000): increase"
        + " receive.message.max.bytes", .noKafka, .configuration, "not Kafka"
    ),
    (
      "ApiVersionRequest failed: Local: Timed out: probably due to broker version < 0.10 (see"
        + " api.version.request configuration)", .silent, .unavailable,
      "it may hang, or not be Kafka"
    ),
    (
      "Failed to resolve 'kafka-1:9092': Name or service not known", .hostUnknown, .unavailable,
      "kafka.bootstrap.servers"
    ),
    (
      "Connect to ipv4#127.0.0.1:9092 failed: Connection refused", .refused, .unavailable,
      "that Kafka runs"
    ),
  ]

@Suite struct DiagnosisTests {
  @Test(arguments: 0..<lines.count) func aLineSaysWhy(_ number: Int) throws {
    let (text, cause, code, hint) = lines[number]
    for suffix in [
      " (after 3ms in state UP)",
      " (after 1ms in state X, 1 identical error(s) suppressed)",
    ] {
      for scheme in ["", "sasl_ssl://", "ssl://"] {
        let name = "\(scheme)kafka-1:9093/bootstrap"
        let line = "[thrd:\(name)]: \(name): \(text)\(suffix)"
        let trouble = try #require(ConnectionTrouble(facility: "FAIL", line: line))
        #expect(trouble.address == "kafka-1:9093" && trouble.text == text)
        #expect(trouble.cause == cause)
        let error = trouble.error()
        #expect(error.code == code, "\(error)")
        #expect(error.description.contains(hint) && error.description.contains("kafka-1:9093"))
        #expect(error.reaction == (code == .unavailable ? .retry : .stopDaemon))
      }
    }
  }

  @Test func linesAboutSomethingElseAreNone() {
    #expect(ConnectionTrouble(facility: "METADATA", line: "a: b") == nil)
    #expect(ConnectionTrouble(facility: "FAIL", line: "nothing to see") == nil)
    #expect(ConnectionTrouble(facility: "FAIL", line: "") == nil)
  }

  @Test func certificatesAreToldApart() {
    for (number, part) in [
      (Int32(10), "has expired"), (9, "not valid yet"), (18, "signed by itself"),
      (19, "authority at its root"), (20, "issuer is not known"), (62, "another host name"),
      (64, "another address"), (99, "can't be verified"),
    ] {
      let reason = CertificateProblem.reason(ofError: number)
      #expect(reason?.contains(part) == true)
      var diagnosis = ClientDiagnosis()
      let line = "ssl://a:1/1: Certificate (subject=/CN=failed: x) verification callback failed: "
      diagnosis.note(facility: "SSLCERTVRFY", line: line + (reason ?? ""))
      diagnosis.note(
        facility: "FAIL",
        line: "[thrd:a]: a:1/1: SSL handshake failed: error::certificate verify failed (after 1ms)")
      let error = diagnosis.trouble?.error(certificate: diagnosis.certificate)
      #expect(error?.message.contains(part) == true && error?.code == .configuration)
      diagnosis.isConnected()
      #expect(diagnosis.trouble == nil && diagnosis.certificate == nil)
    }
    #expect(CertificateProblem.reason(ofError: 0) == nil)
  }

  @Test func aProbeNamesTheProtocol() {
    func spoken(_ answers: Bool, _ cause: ConnectionTrouble.Cause?, _ isEncrypted: Bool) -> String?
    {
      ListenerProbe.Finding(answers: answers, cause: cause, isEncrypted: isEncrypted).spoken
    }
    #expect(spoken(true, nil, true) == "SSL")
    #expect(spoken(false, .saslRequired, true) == "SASL_SSL")
    #expect(spoken(false, .saslRequired, false) == "SASL_PLAINTEXT")
    #expect(spoken(false, .closedTLS, true) == nil)
    #expect(spoken(false, nil, false) == nil)
    for text in ["Disconnected while requesting ApiVersion: might be", lines[4].text] {
      let line = "[thrd:a]: a:1/1: \(text) (after 1ms)"
      let trouble = ConnectionTrouble(facility: "FAIL", line: line)
      #expect(trouble?.isGuess == true)
      let error = trouble?.error(speaks: "SASL_SSL")
      #expect(error?.code == .configuration)
      #expect(
        error?.advice
          == "the listener speaks SASL_SSL: set kafka.security.protocol to SASL_SSL, and the"
          + " kafka.sasl.* keys")
    }
  }

  @Test func transactionsSayWhatTheyMayWrite() {
    func failure(_ topic: String, _ reason: String) -> String {
      "[thrd:TxnCoordinator]: TxnCoordinator/1: Failed to add partition \"\(topic)\" [0] to"
        + " transaction: Broker: \(reason)"
    }
    var diagnosis = ClientDiagnosis()
    for line in [
      "[thrd:main]: movies [0] registered with transaction",
      failure("a.b-c", "Topic authorization failed"), failure("d", "Operation not attempted"),
    ] { diagnosis.note(facility: "ADDPARTS", line: line) }
    #expect(diagnosis.registered == ["movies"] && diagnosis.unwritable == ["a.b-c"])
  }

  @Test func topicsThatLosePartitionsAreKnown() {
    var diagnosis = ClientDiagnosis()
    for (topic, change) in [("a.b-c", "4 to 0"), ("d", "0 to 4"), ("e", "6 to 5"), ("f", "4 to 6")]
    {
      diagnosis.note(
        facility: "PARTCNT",
        line: "[thrd:main]: Topic \(topic) partition count changed from \(change)")
    }
    diagnosis.note(facility: "PARTCNT", line: "something else")
    #expect(diagnosis.takeShrunken() == ["a.b-c", "e"])
    #expect(diagnosis.takeShrunken().isEmpty)
  }
}

@Suite struct AccessRightTests {
  @Test func rightsAreLinesOfKafkasTools() {
    let right = AccessRight(["Write", "Describe"], on: .transactionalID("a-"), isPrefix: true)
    #expect(
      right.command(principal: "User:pj", KafkaTools("k:9092"))
        == "kafka-acls.sh --bootstrap-server k:9092 --add --allow-principal User:pj"
        + " --operation Write --operation Describe --transactional-id a-"
        + " --resource-pattern-type prefixed")
    #expect(right.text == "Write and Describe on the transactional id a-")
    let cluster = AccessRight(["IdempotentWrite"], on: .cluster)
    #expect(
      cluster.command(principal: "User:CN=a b", KafkaTools("k"))
        .hasSuffix("--allow-principal 'User:CN=a b' --operation IdempotentWrite --cluster"))
  }

  @Test func toolsNeedAConfigurationForASecuredCluster() {
    var settings = KafkaSettings(bootstrapServers: "k:9092")
    for (spoken, isSecured) in [
      (nil, false), ("plaintext", false), ("SSL", true), ("sasl_plaintext", true),
    ] as [(String?, Bool)] {
      settings.properties["security.protocol"] = spoken
      #expect(
        settings.command(granting: AccessRight(["Read"], on: .topic("t")))
          == "kafka-acls.sh --bootstrap-server k:9092"
          + (isSecured ? " --command-config admin.properties" : "")
          + " --add --allow-principal User:NAME --operation Read --topic t")
    }
  }
}

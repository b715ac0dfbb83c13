import CRdkafka
import EventLog
import Logging

/// Finds out what a listener speaks that closes connections without a word: a client with the other
/// transport gets an answer from it, or is refused with a reason.
enum ListenerProbe {
  private static let patience = Duration.seconds(2)

  /// - Returns: the listener's `security.protocol`; `nil` if it can't be found out.
  static func protocolSpoken(_ settings: KafkaSettings, _ logger: Logger) -> String? {
    let configured = settings.properties["security.protocol"]?.uppercased() ?? "PLAINTEXT"
    let isEncrypted = configured.hasSuffix("SSL")
    var probe = KafkaSettings(
      bootstrapServers: settings.bootstrapServers,
      properties: settings.properties.filter {
        !$0.key.hasPrefix("sasl.") && !$0.key.hasPrefix("ssl.")
      })
    probe.properties["security.protocol"] = isEncrypted ? "PLAINTEXT" : "SSL"
    // It sends nothing and believes nothing.
    probe.properties["enable.ssl.certificate.verification"] = "false"
    probe.whenUnreachable = { _ in }
    var quiet = logger
    quiet.logLevel = .critical
    do throws(LogError) {
      let context = ClientContext(logger: quiet)
      let client = try KafkaClient(
        RD_KAFKA_CONSUMER,
        properties: probe.adminProperties(clientID: "projectionist-probe", readCommitted: true),
        settings: probe, context: context)
      let answers = answers(client)
      return spoken(answers: answers, context.trouble?.cause, isEncrypted: !isEncrypted)
    } catch {
      return nil
    }
  }

  private static func answers(_ client: KafkaClient) -> Bool {
    do throws(LogError) {
      _ = try Metadata(client, timeout: patience, scope: .brokers)
      return true
    } catch { return false }
  }

  static func spoken(answers: Bool, _ cause: ConnectionTrouble.Cause?, isEncrypted: Bool)
    -> String?
  {
    switch (answers, cause) {
    case (true, _), (_, .clientCertificate): isEncrypted ? "SSL" : "PLAINTEXT"
    case (_, .saslRequired): isEncrypted ? "SASL_SSL" : "SASL_PLAINTEXT"
    default: nil
    }
  }
}

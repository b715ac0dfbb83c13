import CRdkafka
import EventLog
import Logging

/// Finds out what a listener speaks that closes connections without a word: a client with the other
/// transport gets an answer from it, or is refused with a reason. If not, a second client with the
/// same transport tells a listener that wants SASL from one that was about to stop.
enum ListenerProbe {
  private static let patience = Duration.seconds(2)

  /// - Returns: the listener's `security.protocol`; `nil` if it can't be found out.
  static func protocolSpoken(_ settings: KafkaSettings, _ logger: Logger) -> String? {
    let configured = settings.properties["security.protocol"]?.uppercased() ?? "PLAINTEXT"
    let isEncrypted = configured.hasSuffix("SSL")
    if let other = look(settings, isEncrypted: !isEncrypted, logger), let spoken = other.spoken {
      return spoken
    }
    guard !configured.hasPrefix("SASL"),
      let same = look(settings, isEncrypted: isEncrypted, logger), same.cause == .saslRequired
    else { return nil }
    return same.spoken
  }

  /// What a client finds.
  struct Finding {
    var answers: Bool
    var cause: ConnectionTrouble.Cause?
    var isEncrypted: Bool

    /// The listener's `security.protocol`; `nil` if this does not say it.
    var spoken: String? {
      switch (answers, cause) {
      case (true, _), (_, .clientCertificate): isEncrypted ? "SSL" : "PLAINTEXT"
      case (_, .saslRequired): isEncrypted ? "SASL_SSL" : "SASL_PLAINTEXT"
      default: nil
      }
    }
  }

  private static func look(_ settings: KafkaSettings, isEncrypted: Bool, _ logger: Logger)
    -> Finding?
  {
    var probe = KafkaSettings(
      bootstrapServers: settings.bootstrapServers,
      properties: settings.properties.filter {
        !$0.key.hasPrefix("sasl.") && !$0.key.hasPrefix("ssl.")
      })
    probe.properties["security.protocol"] = isEncrypted ? "SSL" : "PLAINTEXT"
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
      return Finding(answers: answers, cause: context.trouble?.cause, isEncrypted: isEncrypted)
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
}

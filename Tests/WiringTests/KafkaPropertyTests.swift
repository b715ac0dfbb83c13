import Configuration
import Testing

@testable import Wiring

@Suite struct KafkaPropertyTests {
  private func problem(_ assignments: String...) -> String? {
    let source = ConfigurationSource(
      file: "/dev/null", assignments: assignments + ["kafka.linger.ms=5"])
    do {
      _ = try source.loadChecked()
      return nil
    } catch { return error.description }
  }

  @Test(arguments: [
    ("sasl.usernam", "sasl.username"), ("security.protocl", "security.protocol"),
    ("linger", "linger.ms"), ("request.required.ack", "request.required.acks"),
  ])
  func anUnknownPropertyNamesTheNearest(_ name: String, _ nearest: String) {
    #expect(
      problem("kafka.\(name)=x")
        == "--set kafka.\(name): kafka.\(name) is no property of librdkafka; the nearest known one"
        + " is kafka.\(nearest)")
  }

  @Test func aWrongValueIsInLibrdkafkasWords() {
    #expect(
      problem("kafka.security.protocol=SASLSSL")?.contains(
        "kafka.security.protocol is \"SASLSSL\"; librdkafka says: Invalid value") == true)
    #expect(problem("kafka.sasl.jaas.config=secret")?.contains("secret") == false)
  }

  @Test(arguments: [
    ("a:1,b:x", "b:x"), ("a:0", "a:0"), ("a:65536", "a:65536"), ("http://a:1", "http://a:1"),
    ("a b", "a b"), ("a:1 b:2", "a:1 b:2"), (":9092", ":9092"), ("[::1]:x", "[::1]:x"),
    ("a:1/b", "a:1/b"), ("a:", "a:"),
  ])
  func aServerThatIsNoAddressIsNamed(_ servers: String, _ entry: String) {
    let problem = problem("kafka.bootstrap.servers=\(servers)")
    #expect(
      problem?.hasSuffix(
        "expected host:port, several separated by commas, and \"\(entry)\" is none") == true)
  }

  @Test(arguments: [
    "a", "a:1", "a:1, b:65535", "PLAINTEXT://a:1", "[::1]:9092", "[::1]", "::1", "a-b.c_d:9,",
  ])
  func addressesPass(_ servers: String) {
    #expect(problem("kafka.bootstrap.servers=\(servers)") == nil)
  }

  /// As consoles of managed clusters show their address.
  @Test func aProtocolInFrontOfAServerIsTheOneToSpeak() {
    let servers = "kafka.bootstrap.servers=a:1, SASL_SSL://b:1"
    #expect(
      problem(servers)
        == "--set kafka.bootstrap.servers: kafka.bootstrap.servers names SASL_SSL, and"
        + " kafka.security.protocol is PLAINTEXT: set that to SASL_SSL")
    #expect(problem(servers, "kafka.security.protocol=ssl")?.contains("is SSL: set") == true)
    #expect(problem(servers, "kafka.security.protocol=sasl_ssl") == nil)
  }

  @Test func whatExactlyOnceDependsOnIsRefused() {
    #expect(problem("kafka.enable.idempotence=false")?.contains("exactly-once") == true)
  }

  @Test(arguments: [
    "kafka.sasl.username=a", "kafka.ssl.ca.location=/x", "kafka.metadata.max.age.ms=5000",
    "kafka.acks=all",
  ])
  func knownPropertiesPass(_ assignment: String) {
    #expect(problem(assignment) == nil)
  }
}

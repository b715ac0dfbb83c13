import Configuration
import Testing

@testable import Wiring

@Suite struct KafkaPropertyTests {
  private func problem(_ assignment: String) -> String? {
    let source = ConfigurationSource(
      file: "/dev/null", assignments: [assignment, "kafka.linger.ms=5"])
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

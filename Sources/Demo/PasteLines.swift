import Configuration
import Pipeline
import RedisProjection
import Streams

/// A command for a second terminal, and what it is for.
struct PasteLine: Hashable {
  var title: String
  var command: String
}

/// The commands with which a person follows one user through the running pipeline, written for a
/// POSIX shell.
struct PasteLines {
  /// Kafka's own tools, where the broker understands them.
  struct JavaTools: Hashable {
    static let scripts = ["kafka-console-producer.sh", "kafka-console-consumer.sh"]

    /// The directory with the scripts; `nil` trusts the PATH.
    var directory: String?
  }

  var topology: Topology
  var bootstrapServers: String
  /// librdkafka's other properties.
  var kafkaProperties: [String: String] = [:]
  /// The file that holds these properties for kcat.
  var kcatConfiguration = ""
  var javaTools: JavaTools?
  var redis = Settings.Redis()
  var projection: FeastProjection
  /// This program, as a shell calls it.
  var program: String
  /// The configuration file the daemon runs with.
  var configuration: String

  /// - Parameter movie: one the user hasn't rated; `nil` while none is known.
  func lines(user: Int64, movie: Int64?) -> [PasteLine] {
    let event =
      #"printf '{"user_id":\#(user),"movie_id":\#(movie ?? 1),"rating":5.0,"timestamp":%s}\n'"#
      + #" "$(date +%s)""#
    var lines = [
      PasteLine(
        title: "rate movie \(movie ?? 1)",
        command: "\(event) | kcat -P \(kcatOptions) -t \(topology[.userRatings])"),
      PasteLine(title: "rating count and write fence in Redis", command: redisLine(user)),
      PasteLine(
        title: "all features",
        command: "\(Self.quoted(program)) features \(user) --config \(Self.quoted(configuration))"),
      PasteLine(
        title: "recommendations",
        command: "\(Self.quoted(program)) predict \(user) --config \(Self.quoted(configuration))"),
      PasteLine(
        title: "replies as they come",
        command: "kcat -C -u -q \(kcatOptions) -t \(topology[.recommendations]) -o end"),
    ]
    if let javaTools { lines += consoleLines(event, javaTools) }
    return lines
  }

  private func consoleLines(_ event: String, _ tools: JavaTools) -> [PasteLine] {
    let needs = javaProperties
    let note =
      needs.isEmpty ? "" : "; write a client.properties with \(needs.joined(separator: ", "))"
    func script(_ client: String) -> String {
      Self.quoted((tools.directory.map { "\($0)/" } ?? "") + "kafka-console-\(client).sh")
        + " --bootstrap-server \(Self.quoted(bootstrapServers))"
        + (needs.isEmpty ? "" : " --\(client).config client.properties")
    }
    return [
      PasteLine(
        title: "rate it with Kafka's own tool\(note)",
        command: "\(event) | \(script("producer")) --topic \(topology[.userRatings])"),
      PasteLine(
        title: "features as they change\(note)",
        command: script("consumer")
          + " --topic \(topology[.userFeatures]) --isolation-level read_committed"),
    ]
  }

  /// What Kafka's own tools must be told to get through to a broker that wants TLS or SASL: they
  /// name it otherwise than librdkafka.
  private var javaProperties: [String] {
    let given = kafkaProperties.filter { name, value in
      name.hasPrefix("ssl.") || name.hasPrefix("sasl.")
        || name == "security.protocol" && value.lowercased() != "plaintext"
    }
    guard !given.isEmpty else { return [] }
    func uses(_ prefix: String) -> Bool {
      given.keys.contains { $0.hasPrefix("\(prefix).") }
        || given["security.protocol"]?.lowercased().contains(prefix) == true
    }
    return ["security.protocol"] + (uses("sasl") ? ["sasl.mechanism", "sasl.jaas.config"] : [])
      + (uses("ssl") ? ["ssl.truststore.location"] : [])
  }

  private var kcatOptions: String {
    let file = kafkaProperties.isEmpty ? "" : "-F \(Self.quoted(kcatConfiguration)) "
    return "\(file)-b \(Self.quoted(bootstrapServers))"
  }

  private func redisLine(_ user: Int64) -> String {
    var key: [UInt8] = []
    projection.user.key.append(user, to: &key)
    let count = projection.user.fields.fields.first ?? []
    return
      "redis-cli \(redisOptions) --quoted-input HMGET '\(Self.redisText(key))' '\(Self.redisText(count))'"
      + " '\(Self.redisText(projection.user.fields.fenceField))'"
  }

  private var redisOptions: String {
    var options = "-h \(Self.quoted(redis.host)) -p \(redis.port)"
    if redis.database != 0 { options += " -n \(redis.database)" }
    // As the daemon logs in: a user without a password doesn't.
    guard !redis.password.isEmpty else { return options }
    if !redis.username.isEmpty { options += " --user \(Self.quoted(redis.username))" }
    return options + " --askpass"
  }

  /// The lines as they stand in a file.
  static func text(_ lines: [PasteLine]) -> String {
    lines.map { "# \($0.title)\n\($0.command)" }.joined(separator: "\n")
  }

  /// Bytes as redis-cli reads them between double quotes. A single quote becomes a number too, so
  /// that the text can stand between a shell's single quotes.
  static func redisText(_ bytes: [UInt8]) -> String {
    var text = "\""
    for byte in bytes {
      let isPlain = (0x20..<0x7F).contains(byte) && !"\"\\'".utf8.contains(byte)
      if isPlain {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        text += "\\x" + String(UInt16(byte) + 0x100, radix: 16).dropFirst()
      }
    }
    return text + "\""
  }

  /// A word as a POSIX shell reads it back.
  static func quoted(_ word: String) -> String {
    let isPlain = word.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "._-/:,@=+".utf8.contains(byte)
      }
    }
    if isPlain && !word.isEmpty { return word }
    return "'" + word.replacing("'", with: #"'\''"#) + "'"
  }
}

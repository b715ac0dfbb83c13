import Pipeline
import RedisProjection

/// A command for a second terminal, and what it is for.
struct PasteLine: Hashable {
  var title: String
  var command: String
}

/// The commands with which a person follows one user through the running pipeline, written for a
/// POSIX shell.
struct PasteLines {
  /// Kafka's own tools, where the broker understands them.
  struct JavaTools {
    /// The directory with the scripts; `nil` trusts the PATH.
    var directory: String?
  }

  var bootstrapServers: String
  /// librdkafka's other properties, for kcat.
  var kafkaProperties: [String: String] = [:]
  var javaTools: JavaTools?
  var redisHost: String
  var redisPort: UInt16
  var redisDatabase = 0
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
        command: "\(event) | kcat -P \(kcatOptions) -t \(Topics.userRatings)"),
      PasteLine(title: "rating count and write fence in Redis", command: redisLine(user)),
      PasteLine(
        title: "all features",
        command: "\(Self.quoted(program)) features \(user) --config \(Self.quoted(configuration))"),
      PasteLine(
        title: "recommendations",
        command: "\(Self.quoted(program)) predict \(user) --config \(Self.quoted(configuration))"),
      PasteLine(
        title: "replies as they come",
        command: "kcat -C -u -q \(kcatOptions) -t \(Topics.recommendations) -o end"),
    ]
    if let javaTools { lines += consoleLines(event, javaTools) }
    return lines
  }

  private func consoleLines(_ event: String, _ tools: JavaTools) -> [PasteLine] {
    func script(_ name: String) -> String {
      Self.quoted((tools.directory.map { "\($0)/" } ?? "") + "\(name).sh")
        + " --bootstrap-server \(Self.quoted(bootstrapServers))"
    }
    return [
      PasteLine(
        title: "rate it with Kafka's own tool",
        command: "\(event) | \(script("kafka-console-producer")) --topic \(Topics.userRatings)"),
      PasteLine(
        title: "features as they change",
        command: script("kafka-console-consumer")
          + " --topic \(Topics.userFeatures) --isolation-level read_committed"),
    ]
  }

  private var kcatOptions: String {
    let properties = kafkaProperties.sorted { $0.key < $1.key }.map { name, value in
      let shown = SettingsRendering.isSecret(name) ? "…" : value
      return " -X \(Self.quoted("\(name)=\(shown)"))"
    }
    return "-b \(Self.quoted(bootstrapServers))" + properties.joined()
  }

  private func redisLine(_ user: Int64) -> String {
    var key: [UInt8] = []
    projection.user.key.append(user, to: &key)
    let count = projection.user.fields.fields.first ?? []
    let database = redisDatabase == 0 ? "" : " -n \(redisDatabase)"
    return "redis-cli -h \(Self.quoted(redisHost)) -p \(redisPort)\(database) --quoted-input HMGET"
      + " '\(Self.redisText(key))' '\(Self.redisText(count))'"
      + " '\(Self.redisText(projection.user.fields.fenceField))'"
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

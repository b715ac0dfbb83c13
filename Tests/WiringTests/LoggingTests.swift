import Foundation
import Logging
import Testing

@testable import Configuration
@testable import Wiring

@Suite struct LoggingTests {
  /// What a logger of this format writes.
  private func lines(_ format: LogFormat, _ body: (inout Logger) -> Void) throws -> [String] {
    let pipe = Pipe()
    var settings = Settings.Log()
    settings.format = format
    settings.level = .debug
    var logger = settings.makeLogger(
      "test", sink: LogSink(descriptor: pipe.fileHandleForWriting.fileDescriptor))
    body(&logger)
    try pipe.fileHandleForWriting.close()
    let data = try #require(try pipe.fileHandleForReading.readToEnd())
    return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  @Test func aJSONLineIsValidWhateverIsInIt() throws {
    let nasty = "a \"quote\" \\ \n\t\u{1}\u{1B}[31m é 🎬 \u{7F}"
    let lines = try lines(.json) { logger in
      logger[metadataKey: "stage"] = "user"
      logger[metadataKey: "overridden"] = "old"
      logger.warning(
        "\(nasty)",
        metadata: [
          "time": "reserved", "overridden": "new", nasty: "\(nasty)",
          "list": ["1", .array([]), .dictionary(["b": "2", "a": .stringConvertible(7)])],
        ])
      logger.debug("second")
      logger.trace("below the level")
    }
    #expect(lines.count == 2)
    let object = try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: Any]
    let fields = try #require(object)
    #expect(fields["level"] as? String == "warning")
    #expect(fields["logger"] as? String == "test")
    #expect(fields["message"] as? String == nasty)
    #expect(fields[nasty] as? String == nasty)
    #expect(fields["stage"] as? String == "user")
    #expect(fields["overridden"] as? String == "new")
    #expect(fields["time_"] as? String == "reserved")
    let list = try #require(fields["list"] as? [Any])
    #expect(list.count == 3)
    #expect(list[2] as? [String: Int] == ["a": 7, "b": 2])
    let time = try #require(fields["time"] as? String)
    let date = try Date(
      time, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    #expect(abs(date.timeIntervalSinceNow) < 3600)
  }

  @Test func aTextLineCanNotBeForged() throws {
    let lines = try lines(.text) { logger in
      logger.info("one\ntwo\u{1B}[2J", metadata: ["b": "x y", "a": "plain", "c": "", "d": "k=v"])
    }
    #expect(lines.count == 1)
    let line = try #require(lines.first)
    #expect(
      line.hasSuffix(" info     test    one\\ntwo\\x1b[2J a=plain b=\"x y\" c=\"\" d=\"k=v\""))
    #expect(line.prefix { $0 != " " }.wholeMatch(of: /\d\d:\d\d:\d\d\.\d\d\d/) != nil)
  }

  @Test func numbersAreNumbersAndNamesAreNot() throws {
    let lines = try lines(.json) { logger in
      logger.info(
        "m",
        metadata: [
          "partition": "\(3)", "offset": "-1", "overlap": "0.625", "instance": "12345678",
          "topic": "7", "client_id": "42", "zip": "0123", "big": "12345678901234567890",
          "word": "1e5", "empty": "",
          "records": .stringConvertible(1_000_000), "ratio": .stringConvertible(0.5),
        ])
    }
    let line = try #require(lines.first)
    for field in [
      #""partition":3"#, #""offset":-1"#, #""overlap":0.625"#, #""instance":"12345678""#,
      #""topic":"7""#, #""client_id":"42""#, #""zip":"0123""#, #""big":"12345678901234567890""#,
      #""word":"1e5""#,
      #""empty":"""#, #""records":1000000"#, #""ratio":0.5"#,
    ] { #expect(line.contains(field)) }
  }

  @Test func withoutATerminalAutoIsJSON() throws {
    let lines = try lines(.auto) { $0.info("hello") }
    #expect(lines.first?.hasPrefix("{\"time\":\"") == true)
  }

  @Test func timesAreWrittenToTheMillisecond() {
    var line: [UInt8] = []
    LogTime(seconds: 1_700_000_000, milliseconds: 7).appendUTC(to: &line)
    #expect(String(decoding: line, as: UTF8.self) == "2023-11-14T22:13:20.007Z")
  }
}

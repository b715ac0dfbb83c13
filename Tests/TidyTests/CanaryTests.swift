import Testing

/// Each rule finds the mistake it is there for, and leaves good code alone.
@Suite struct CanaryTests {
  private static func findings(
    _ rule: some Rule, path: String = "Sources/Streams/Canary.swift", _ text: String
  ) -> [Int] {
    rule.findings(in: SourceFile(path: path, text: text)).map(\.line)
  }

  @Test func aLongLine() {
    let long = String(repeating: "a", count: 101)
    #expect(Self.findings(LineLength(), "let a = 1\n// \(long)\n") == [2])
    #expect(Self.findings(LineLength(), "let a = 1 + \(long)\n") == [1])
    #expect(Self.findings(LineLength(), String(repeating: "▶", count: 100)) == [])
    #expect(
      Self.findings(LineLength(), "let a = \"\(long)\"\n// https://\(long)\n// | \(long)") == [])
  }

  @Test func aLongFile() {
    #expect(Self.findings(FileLength(), String(repeating: "\n", count: 401)) == [401])
    #expect(Self.findings(FileLength(), String(repeating: "\n", count: 400)) == [])
  }

  @Test func aLongFunction() {
    func function(_ lines: Int, _ head: String = "  public static func f(_ x: Int) throws {")
      -> String
    {
      "struct S {\n\(head)\n\(String(repeating: "    g()\n", count: lines - 2))  }\n}\n"
    }
    #expect(Self.findings(FunctionLength(), function(71)) == [2])
    #expect(Self.findings(FunctionLength(), function(70)) == [])
    #expect(Self.findings(FunctionLength(), function(71, "  init() {")) == [2])
    #expect(Self.findings(FunctionLength(), function(71, "  @Test(.tags(.a)) func f() {")) == [2])
    let braces = "    let text = \"}\" // }\n"
    let hidden = "func f() {\n\(String(repeating: braces, count: 70))}\n"
    #expect(Self.findings(FunctionLength(), hidden) == [1])
  }

  @Test func aRequirementHasNoBody() {
    let requirement = "protocol P {\n  func f()\n  func g()\n}\nstruct S {\n"
    let text = requirement + String(repeating: "  var a = 1\n", count: 80) + "}\n"
    #expect(Self.findings(FunctionLength(), text) == [])
  }

  @Test(arguments: [
    ("let a = try! f()", true), ("let a = try f()", false), ("// try! is banned", false),
    ("let a = \"try!\"", false), ("usleep(5)", true), ("import Foundation", true),
    ("let now = ContinuousClock.now", true), ("x.print(a)", false), ("print(a)", true),
    ("reprint(a)", false),
  ])
  func aBannedCall(_ code: String, _ isBanned: Bool) {
    #expect(Self.findings(BannedCode(), code).isEmpty != isBanned)
  }

  @Test func aCallThatIsAllowedElsewhere() {
    #expect(Self.findings(BannedCode(), path: "Sources/projectionist/A.swift", "print(a)") == [])
    let tests = "Tests/StreamsTests/A.swift"
    #expect(Self.findings(BannedCode(), path: tests, "Thread.sleep(1)") == [1])
    #expect(Self.findings(BannedCode(), path: tests, "poll(nil, 0, 5)") == [1])
  }

  @Test(arguments: [
    ("// TODO: later", true), ("/// It is made anew.", true), ("/// A renewal", false),
    ("let todo = \"TODO\"", false), ("/* it shall */", true), ("/// shallow", false),
    ("/// Beside it", true), ("/// besides it", false), ("let beside = 1", false),
    ("let help = \"Beside it stands a rate.\"", true), ("let help = \"a\"; f(beside)", false),
    ("let long = \"\"\"\n  made anew\n  \"\"\"", true), ("/// It has been told.", true),
  ])
  func stiffProse(_ code: String, _ isBanned: Bool) {
    #expect(Self.findings(PlainProse(), code).isEmpty != isBanned)
  }

  @Test(arguments: [
    ("def make_anew(topic):", true), ("# It stands beside.", true), ("def renewal():", false),
    ("a line\nTODO", true),
  ])
  func stiffProseInOtherFiles(_ text: String, _ isBanned: Bool) {
    #expect(PlainProse().findings(in: text, path: "a.py").isEmpty != isBanned)
  }

  @Test func anImportAgainstTheArrows() {
    let drawing = """
      <!-- layers -->
          Streams     ─▶ EventLog Logging
          EventLog    ─▶
      <!-- /layers -->
          Streams     ─▶ KafkaLog
      """
    let layering = Layering(drawnIn: drawing)
    #expect(layering.allowed == ["Streams": ["EventLog", "Logging"], "EventLog": []])
    let text = "public import EventLog\n@testable import KafkaLog\nimport Synchronization\n"
    #expect(Self.findings(layering, text) == [2])
    #expect(Self.findings(layering, path: "Sources/Unknown/A.swift", "") == [1])
    #expect(layering.circle() == nil)
    let circular = Layering(allowed: ["A": ["B"], "B": ["C"], "C": ["A"]])
    #expect(circular.circle() == ["A", "B", "C", "A"])
  }
}

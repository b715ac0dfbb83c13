/// Calls that have a better replacement.
struct BannedCode: Rule {
  struct Ban {
    /// Found in code, at a word's beginning.
    var text: String
    var replacement: String
    /// Path prefixes under which it is banned; everywhere if empty.
    var only: [String] = []
    /// Path prefixes under which it is allowed.
    var except: [String] = []
  }

  static let bans = [
    Ban(text: "try!", replacement: "handle the error or throw it on"),
    Ban(text: "as!", replacement: "use `as?` and say what else it may be"),
    Ban(text: "fatalError(", replacement: "throw, or state a precondition for our own bugs"),
    Ban(text: "assert(", replacement: "use `precondition`, which holds in release builds too"),
    Ban(text: "NSLock", replacement: "use `Mutex` of Synchronization"),
    Ban(text: "DispatchQueue.main", replacement: "nothing here runs a main loop"),
    Ban(text: "Task.sleep", replacement: "wait for a condition with a deadline", only: ["Tests/"]),
    Ban(
      text: "Thread.sleep", replacement: "wait for a condition with a deadline", only: ["Tests/"],
      except: ["Tests/TestSupport/"]),
    // A reader in another process has nothing to wait on: LMDB tells nobody of a commit's end.
    Ban(
      text: "usleep(", replacement: "wait for a condition with a deadline",
      except: ["Sources/LMDBStore/LMDBReader.swift"]),
    Ban(
      text: "poll(nil", replacement: "wait for a condition with a deadline", only: ["Tests/"]),
    Ban(
      text: "print(", replacement: "return the text, and print it in the executable",
      except: ["Sources/projectionist/", "Sources/Demo/", "Tests/"]),
    Ban(
      text: "Date()", replacement: "take the time as an argument: no clock in pure code",
      only: pure),
    Ban(text: "import Foundation", replacement: "nothing on the hot path uses it", only: pure),
    Ban(
      text: "ContinuousClock.now", replacement: "take the time as an argument", only: pure),
  ]

  /// Modules that are values, without a clock and without Foundation.
  private static let pure = [
    "Sources/EventLog/", "Sources/StateStore/", "Sources/Streams/", "Sources/Codecs/",
    "Sources/Ratings/", "Sources/Recommender/", "Sources/Metrics/", "Sources/EngineMetrics/",
  ]

  func findings(in file: SourceFile) -> [Finding] {
    var findings: [Finding] = []
    for (index, line) in file.code.enumerated() {
      for ban in Self.bans where ban.applies(to: file.path) && Self.contains(line, ban.text) {
        findings.append(
          Finding(
            path: file.path, line: index + 1, message: "`\(ban.text)`: \(ban.replacement)"))
      }
    }
    return findings
  }

  private static func contains(_ line: String, _ text: String) -> Bool {
    line.ranges(of: text).contains { range in
      guard range.lowerBound > line.startIndex else { return true }
      let before = line[line.index(before: range.lowerBound)]
      return !before.isLetter && !before.isNumber && before != "_" && before != "."
    }
  }
}

extension BannedCode.Ban {
  func applies(to path: String) -> Bool {
    (only.isEmpty || only.contains { path.hasPrefix($0) })
      && !except.contains { path.hasPrefix($0) }
  }
}

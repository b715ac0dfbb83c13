import Foundation

/// A Swift file of this repository, with its comments and string literals told apart from its code.
struct SourceFile {
  /// Relative to the repository's root: `Sources/Streams/StageLoop.swift`.
  let path: String
  let lines: [String]
  /// The lines without comments and without the contents of string literals.
  let code: [String]
  /// The lines' comments, without their slashes; empty where there are none.
  let comments: [String]
  /// What the lines' string literals contain, one after the other.
  let strings: [String]

  init(path: String, text: String) {
    self.path = path
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var scanner = CodeScanner()
    var code: [String] = []
    var comments: [String] = []
    var strings: [String] = []
    for line in lines {
      let parts = scanner.split(line)
      code.append(parts.code)
      comments.append(parts.comment)
      strings.append(parts.string)
    }
    self.code = code
    self.comments = comments
    self.strings = strings
  }

  /// `Sources` or `Tests`.
  var root: String { String(path.prefix { $0 != "/" }) }

  /// The directory below `Sources` or `Tests`: the module.
  var module: String {
    let parts = path.split(separator: "/")
    return parts.count > 1 ? String(parts[1]) : ""
  }
}

/// Splits lines into code, comments and the contents of string literals. Knows line and block
/// comments, string literals with escapes, and literals of several lines; raw strings count as
/// strings without escapes.
private struct CodeScanner {
  private enum Place {
    case code
    case blockComment
    case longString
  }

  private var place = Place.code

  mutating func split(_ line: String) -> (code: String, comment: String, string: String) {
    var code = ""
    var comment = ""
    var string = ""
    var rest = Substring(line)
    while !rest.isEmpty {
      switch place {
      case .blockComment:
        if rest.hasPrefix("*/") {
          rest = rest.dropFirst(2)
          place = .code
        } else {
          comment.append(rest.removeFirst())
        }
      case .longString:
        if rest.hasPrefix("\"\"\"") {
          rest = rest.dropFirst(3)
          code += "\"\""
          place = .code
        } else {
          string.append(rest.removeFirst())
        }
      case .code:
        if rest.hasPrefix("//") {
          comment = String(rest.drop { $0 == "/" })
          return (code, comment, string)
        }
        if rest.hasPrefix("/*") {
          rest = rest.dropFirst(2)
          place = .blockComment
        } else if rest.hasPrefix("\"\"\"") {
          rest = rest.dropFirst(3)
          place = .longString
        } else if rest.hasPrefix("\"") {
          let after = Self.afterString(rest)
          string += " " + rest.dropLast(after.count).dropFirst().dropLast()
          rest = after
          code += "\"\""
        } else {
          code.append(rest.removeFirst())
        }
      }
    }
    return (code, comment, string)
  }

  private static func afterString(_ text: Substring) -> Substring {
    var rest = text.dropFirst()
    while let character = rest.first, character != "\"" {
      rest = rest.dropFirst(character == "\\" ? 2 : 1)
    }
    return rest.dropFirst()
  }
}

/// The files that the rules apply to.
enum Repository {
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// All Swift files below `Sources` and `Tests`, in the order of their paths. Read once.
  static func swiftFiles() throws -> [SourceFile] { try files.get() }

  private static let files = Result { try readSwiftFiles() }

  private static func readSwiftFiles() throws -> [SourceFile] {
    var files: [SourceFile] = []
    for directory in ["Sources", "Tests"] {
      let start = root.appending(path: directory)
      guard let found = FileManager.default.enumerator(at: start, includingPropertiesForKeys: nil)
      else { continue }
      for case let url as URL in found where url.pathExtension == "swift" {
        let path = String(url.path.dropFirst(root.path.count + (root.path.hasSuffix("/") ? 0 : 1)))
        files.append(SourceFile(path: path, text: try String(contentsOf: url, encoding: .utf8)))
      }
    }
    return files.sorted { $0.path < $1.path }
  }

  /// Paths and texts of the files that describe or test the program in other languages, in the
  /// order of their paths.
  static func otherProse() throws -> [(path: String, text: String)] {
    let endings = ["md", "yaml", "yml", "py", "sh", "json"]
    let paths = try ["Sources", "Tests", "deploy", "topics", ".github"].flatMap { directory in
      let start = root.appending(path: directory)
      return try FileManager.default.subpathsOfDirectory(atPath: start.path)
        .filter { path in endings.contains { path.hasSuffix(".\($0)") } }
        .map { "\(directory)/\($0)" }
    }
    return try (["README.md"] + paths.sorted()).map { ($0, try text(of: $0)) }
  }

  static func text(of path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }
}

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

  init(path: String, text: String) {
    self.path = path
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var scanner = CodeScanner()
    var code: [String] = []
    var comments: [String] = []
    for line in lines {
      let parts = scanner.split(line)
      code.append(parts.code)
      comments.append(parts.comment)
    }
    self.code = code
    self.comments = comments
  }

  /// `Sources` or `Tests`.
  var root: String { String(path.prefix { $0 != "/" }) }

  /// The directory below `Sources` or `Tests`: the module.
  var module: String {
    let parts = path.split(separator: "/")
    return parts.count > 1 ? String(parts[1]) : ""
  }
}

/// Splits lines into code and comments. Knows line and block comments, string literals with
/// escapes, and literals of several lines; raw strings count as strings without escapes.
private struct CodeScanner {
  private enum Place {
    case code
    case blockComment
    case longString
  }

  private var place = Place.code

  mutating func split(_ line: String) -> (code: String, comment: String) {
    var code = ""
    var comment = ""
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
          rest.removeFirst()
        }
      case .code:
        if rest.hasPrefix("//") {
          comment = String(rest.drop { $0 == "/" })
          return (code, comment)
        }
        if rest.hasPrefix("/*") {
          rest = rest.dropFirst(2)
          place = .blockComment
        } else if rest.hasPrefix("\"\"\"") {
          rest = rest.dropFirst(3)
          place = .longString
        } else if rest.hasPrefix("\"") {
          rest = Self.afterString(rest)
          code += "\"\""
        } else {
          code.append(rest.removeFirst())
        }
      }
    }
    return (code, comment)
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

  static func text(of path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }
}

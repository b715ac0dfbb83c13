/// No line is longer than a page is wide. Text in string literals, addresses and rows of tables may
/// be: they can't be wrapped.
struct LineLength: Rule {
  var most = 100

  func findings(in file: SourceFile) -> [Finding] {
    file.lines.indices.filter { index in
      guard file.lines[index].count > most else { return false }
      let comment = file.comments[index].drop { $0 == " " }
      if comment.contains("https://") || comment.hasPrefix("|") { return false }
      return !comment.isEmpty || file.code[index].count > most
    }.map { index in
      Finding(
        path: file.path, line: index + 1,
        message: "\(file.lines[index].count) columns; wrap the line at \(most)")
    }
  }
}

/// A file is about one thing.
struct FileLength: Rule {
  var most = 400

  func findings(in file: SourceFile) -> [Finding] {
    // The last line ends with a line feed too.
    let count = file.lines.last == "" ? file.lines.count - 1 : file.lines.count
    guard count > most else { return [] }
    return [
      Finding(
        path: file.path, line: most + 1,
        message: "\(count) lines; split what the file is about (at most \(most))")
    ]
  }
}

/// A function fits on a screen.
struct FunctionLength: Rule {
  var most = 70

  func findings(in file: SourceFile) -> [Finding] {
    var findings: [Finding] = []
    for start in file.code.indices where Self.declaresFunction(file.code[start]) {
      guard let end = Self.end(of: start, in: file.code), end - start + 1 > most else { continue }
      findings.append(
        Finding(
          path: file.path, line: start + 1,
          message: "the function has \(end - start + 1) lines; split it (at most \(most))"))
    }
    return findings
  }

  private static func declaresFunction(_ line: String) -> Bool {
    let words = withoutAttributes(line).split { " (<?!:{".contains($0) }
    guard let keyword = words.firstIndex(where: { ["func", "init", "deinit"].contains($0) }) else {
      return false
    }
    return words[..<keyword].allSatisfy { modifiers.contains(String($0)) }
  }

  /// The line after its leading attributes: `@Test(.tags(.slow)) func f()` is `func f()`.
  private static func withoutAttributes(_ line: String) -> Substring {
    var rest = line.drop { $0 == " " }
    while rest.hasPrefix("@") {
      rest = rest.drop { $0 != " " && $0 != "(" }
      if rest.first == "(" {
        var depth = 0
        let end = rest.firstIndex {
          depth += $0 == "(" ? 1 : $0 == ")" ? -1 : 0
          return depth == 0
        }
        rest = end.map { rest[rest.index(after: $0)...] } ?? ""
      }
      rest = rest.drop { $0 == " " }
    }
    return rest
  }

  private static let modifiers: Set<String> = [
    "public", "package", "internal", "fileprivate", "private", "open", "static", "class", "final",
    "mutating", "nonmutating", "consuming", "borrowing", "override", "required", "convenience",
    "nonisolated", "isolated", "distributed", "indirect", "prefix", "infix", "postfix", "unsafe",
  ]

  /// The line of the function's last brace; `nil` for a requirement without a body.
  private static func end(of start: Int, in code: [String]) -> Int? {
    var braces = 0
    var parentheses = 0
    var hasBody = false
    for line in start..<code.count {
      if line > start, !hasBody, parentheses == 0, endsSignature(code[line]) { return nil }
      for character in code[line] {
        switch character {
        case "(": parentheses += 1
        case ")": parentheses -= 1
        case "{":
          // Braces among the parameters are default values.
          if parentheses == 0 { hasBody = true }
          braces += 1
        case "}":
          braces -= 1
          if braces < 0 { return nil }
          if hasBody, braces == 0 { return line }
        default: break
        }
      }
    }
    return nil
  }

  /// Whether this line begins another declaration: the one before had no body.
  private static func endsSignature(_ line: String) -> Bool {
    let word = line.split(separator: " ").first.map(String.init) ?? ""
    return word.isEmpty
      || ["func", "var", "let", "}", "case", "associatedtype", "init"].contains(word)
      || (modifiers.contains(word) && word != "unsafe")
  }
}

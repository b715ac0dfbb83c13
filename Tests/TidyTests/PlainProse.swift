/// Prose is finished, and in plain English: comments and string literals of Swift files, and whole
/// lines of other ones.
struct PlainProse: Rule {
  /// In exactly these letters.
  static let marks = [
    ("TODO", "do it, or file an issue"), ("FIXME", "mend it, or file an issue"),
    ("XXX", "say what is wrong, or mend it"),
  ]
  /// In any case.
  static let words = [
    ("anew", "again"), ("beside", "next to"), ("shall", "must, will, or present tense"),
    ("whilst", "while"), ("thereof", "of it"), ("hereby", "leave it out"),
    ("is told", "gets, or receives"), ("are told", "get, or receive"),
    ("been told", "got, or received"), ("told again and again", "called again and again with"),
    ("the matter", "say what is wrong"), ("in good order", "cleanly"),
  ]

  func findings(in file: SourceFile) -> [Finding] {
    guard !file.path.hasPrefix("Tests/TidyTests/") else { return [] }
    return zip(file.comments, file.strings).enumerated().flatMap { index, prose in
      let (comment, string) = prose
      return Self.findings(comment, file.path, index + 1)
        + Self.findings(of: Self.words, in: string.lowercased(), file.path, index + 1)
    }
  }

  /// In a file that is prose, or in a language whose lines are looked at as a whole.
  func findings(in text: String, path: String) -> [Finding] {
    text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
      .flatMap { Self.findings(String($1), path, $0 + 1) }
  }

  private static func findings(_ prose: String, _ path: String, _ line: Int) -> [Finding] {
    findings(of: marks, in: prose, path, line)
      + findings(of: words, in: prose.lowercased(), path, line)
  }

  private static func findings(
    of bans: [(text: String, better: String)], in prose: String, _ path: String, _ line: Int
  ) -> [Finding] {
    guard !prose.isEmpty else { return [] }
    return bans.filter { contains(prose, $0.text) }.map {
      Finding(path: path, line: line, message: "\"\($0.text)\" in prose: \($0.better)")
    }
  }

  private static func contains(_ prose: String, _ text: String) -> Bool {
    prose.ranges(of: text).contains { range in
      let before =
        range.lowerBound > prose.startIndex ? prose[prose.index(before: range.lowerBound)] : " "
      let after = range.upperBound < prose.endIndex ? prose[range.upperBound] : " "
      return !before.isLetter && !after.isLetter
    }
  }
}

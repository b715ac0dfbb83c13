/// Modules import only what the drawn list allows.
///
/// The list stands in `.github/CONTRIBUTING.md`, between the lines `<!-- layers -->` and
/// `<!-- /layers -->`: a module, an arrow, and what it may import.
struct Layering: Rule {
  /// Allowed imports by module.
  let allowed: [String: Set<String>]

  /// The system's modules, which any module may import; `BannedCode` keeps Foundation out of some.
  private static let everywhere: Set<String> = [
    "Darwin", "Dispatch", "Foundation", "Glibc", "Musl", "Synchronization",
  ]

  init(allowed: [String: Set<String>]) {
    self.allowed = allowed
  }

  /// - Parameter text: the document with the list.
  init(drawnIn text: String) {
    var allowed: [String: Set<String>] = [:]
    var isInside = false
    for line in text.split(separator: "\n") {
      if line.contains("<!-- layers -->") { isInside = true }
      if line.contains("<!-- /layers -->") { isInside = false }
      let sides = line.split(separator: "─▶").map { $0.trimmingPrefix { $0 == " " } }
      guard isInside, let name = sides.first?.split(separator: " ").first, line.contains("─▶")
      else { continue }
      let imports = sides.count > 1 ? sides[1].split(separator: " ").map(String.init) : []
      allowed[String(name)] = Set(imports)
    }
    self.allowed = allowed
  }

  func findings(in file: SourceFile) -> [Finding] {
    guard file.root == "Sources" else { return [] }
    guard let allowed = allowed[file.module] else {
      return [
        Finding(
          path: file.path, line: 1,
          message: "the module \(file.module) is not in the drawn list of CONTRIBUTING.md")
      ]
    }
    return Self.imports(of: file).filter {
      !allowed.contains($0.module) && !Self.everywhere.contains($0.module)
    }.map {
      Finding(
        path: file.path, line: $0.line,
        message: "\(file.module) may not import \($0.module); see the drawn list in CONTRIBUTING.md"
      )
    }
  }

  /// The modules that a file imports, each with its line.
  static func imports(of file: SourceFile) -> [(module: String, line: Int)] {
    file.code.enumerated().compactMap { index, line in
      let words = line.split(separator: " ")
      guard let keyword = words.firstIndex(of: "import"), keyword + 1 < words.count,
        words[..<keyword].allSatisfy({ accessLevels.contains(String($0)) || $0.hasPrefix("@") })
      else { return nil }
      let kinds: Set<Substring> = ["struct", "class", "enum", "func", "protocol", "typealias"]
      let name = words[(keyword + 1)...].first { !kinds.contains($0) } ?? ""
      return (String(name.prefix { $0 != "." }), index + 1)
    }
  }

  private static let accessLevels: Set<String> = [
    "public", "package", "internal", "fileprivate", "private",
  ]

  /// Modules of the list that import each other in a circle, in the order found.
  func circle() -> [String]? {
    var finished: Set<String> = []
    func walk(_ module: String, _ path: [String]) -> [String]? {
      if let start = path.firstIndex(of: module) { return Array(path[start...]) + [module] }
      guard !finished.contains(module) else { return nil }
      for next in (allowed[module] ?? []).sorted() where allowed[next] != nil {
        if let circle = walk(next, path + [module]) { return circle }
      }
      finished.insert(module)
      return nil
    }
    for module in allowed.keys.sorted() {
      if let circle = walk(module, []) { return circle }
    }
    return nil
  }
}

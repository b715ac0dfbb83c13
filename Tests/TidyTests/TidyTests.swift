import Testing

/// What CONTRIBUTING.md says of the code, held against every file.
@Suite struct TidyTests {
  private static func check(_ rule: some Rule) throws {
    let findings = try Repository.swiftFiles().flatMap(rule.findings)
    #expect(findings.isEmpty, "\(findings.map(\.description).joined(separator: "\n"))")
  }

  @Test func allFilesAreFound() throws {
    let files = try Repository.swiftFiles()
    #expect(files.contains { $0.path == "Tests/TidyTests/TidyTests.swift" })
    #expect(files.contains { $0.path == "Sources/Streams/Session/StageLoop.swift" })
    let others = try Repository.otherProse().map(\.path)
    #expect(others.contains("Sources/Streams/Streams.docc/Streams.md"))
    #expect(others.contains("deploy/projectionist.yaml"))
    #expect(others.contains(".github/CONTRIBUTING.md"))
  }

  @Test func linesFitOnAPage() throws { try Self.check(LineLength()) }
  @Test func filesAreAboutOneThing() throws { try Self.check(FileLength()) }
  @Test func functionsFitOnAScreen() throws { try Self.check(FunctionLength()) }
  @Test func nothingBannedIsCalled() throws { try Self.check(BannedCode()) }
  @Test func proseIsPlain() throws {
    try Self.check(PlainProse())
    let findings = try Repository.otherProse().flatMap {
      PlainProse().findings(in: $0.text, path: $0.path)
    }
    #expect(findings.isEmpty, "\(findings.map(\.description).joined(separator: "\n"))")
  }

  @Test func importsFollowTheDrawnList() throws {
    let layering = Layering(drawnIn: try Repository.text(of: ".github/CONTRIBUTING.md"))
    try Self.check(layering)
    #expect(layering.circle() == nil)
  }

  /// The drawn list neither forgets a module nor allows what no file needs.
  @Test func theDrawnListIsExact() throws {
    let layering = Layering(drawnIn: try Repository.text(of: ".github/CONTRIBUTING.md"))
    var used: [String: Set<String>] = [:]
    for file in try Repository.swiftFiles() where file.root == "Sources" {
      used[file.module, default: []].formUnion(Layering.imports(of: file).map(\.module))
    }
    for (module, imports) in layering.allowed {
      let idle = imports.subtracting(used[module] ?? [])
      #expect(idle.isEmpty, "\(module) is allowed imports that it does not use: \(idle.sorted())")
    }
    #expect(Set(layering.allowed.keys).isSuperset(of: used.keys))
  }

  /// Each C library has exactly one importer.
  @Test func cLibrariesHaveOneImporter() throws {
    let layering = Layering(drawnIn: try Repository.text(of: ".github/CONTRIBUTING.md"))
    let libraries = Set(layering.allowed.values.flatMap(\.self)).filter(Self.isC)
    #expect(!libraries.isEmpty)
    for library in libraries {
      let importers = layering.allowed.filter { $0.value.contains(library) }.keys.sorted()
      #expect(importers.count == 1, "\(library) is imported by \(importers)")
    }
  }

  /// C modules are named `CLMDB`, `CRdkafka` and so on.
  private static func isC(_ module: String) -> Bool {
    guard module.hasPrefix("C"), let second = module.dropFirst().first else { return false }
    return second.isUppercase
  }
}

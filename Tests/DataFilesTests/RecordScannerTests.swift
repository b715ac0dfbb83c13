import TestSupport
import Testing

@testable import DataFiles

/// RFC 4180 against a naive reader.
@Suite struct RecordScannerTests {
  /// Character by character, with everything in memory; `nil` for a text that is malformed.
  private static func naive(_ text: String) -> [[String]]? {
    var rows: [[String]] = []
    var row: [String] = []
    var field = ""
    var characters = Array(text.unicodeScalars)[...]
    func startsQuoted() -> Bool { characters.first == "\"" }
    while !characters.isEmpty {
      if startsQuoted() {
        characters.removeFirst()
        var isClosed = false
        while let next = characters.popFirst() {
          if next != "\"" {
            field.unicodeScalars.append(next)
          } else if characters.first == "\"" {
            field.unicodeScalars.append(next)
            characters.removeFirst()
          } else {
            isClosed = true
            break
          }
        }
        guard isClosed else { return nil }
      } else {
        while let next = characters.first, next != ",", next != "\n" {
          field.unicodeScalars.append(next)
          characters.removeFirst()
        }
        if characters.first != ",", field.unicodeScalars.last == "\r" {
          field.unicodeScalars.removeLast()
        }
      }
      row.append(field)
      field = ""
      if characters.first == "\r", characters.dropFirst().first == "\n" { characters.removeFirst() }
      switch characters.popFirst() {
      case ",":
        if characters.isEmpty { row.append("") }
        if !characters.isEmpty { continue }
      case "\n", nil: break
      default: return nil
      }
      rows.append(row)
      row = []
    }
    return rows
  }

  private static func scan(_ text: String, knownEnd: Bool) -> [[String]]? {
    let bytes = Array(text.utf8)
    var scanner = RecordScanner(Dialect(separator: .comma))
    var rows: [[String]] = []
    var position = 0
    while position < bytes.count {
      switch scanner.scan(bytes.span.bytes, from: position, isAtEnd: knownEnd) {
      case .record(let next, _):
        rows.append(
          (0..<scanner.count).map {
            String(decoding: scanner.content($0, of: bytes.span.bytes), as: UTF8.self)
          })
        position = next
      case .incomplete: return rows
      case .malformed: return nil
      }
    }
    return rows
  }

  @Test func findsWhatANaiveReaderFinds() {
    var random = SeededGenerator(seed: 4180)
    let pieces = [
      "a", "bc", "\"", "\"\"", ",", "\n", "\r\n", " ", "é", "1.5", "\"x,y\"", "\"p\nq\"",
    ]
    var wellFormed = 0
    for _ in 0..<20_000 {
      let text = (0..<Int.random(in: 1...9, using: &random)).map { _ in
        pieces.randomElement(using: &random) ?? ""
      }.joined()
      let expected = Self.naive(text)
      let found = Self.scan(text, knownEnd: true)
      #expect(found == expected, "\(text.debugDescription)")
      if let expected {
        wellFormed += 1
        // What may go on is not taken for whole.
        let whole = Self.scan(text, knownEnd: false) ?? []
        #expect(expected.starts(with: whole))
        #expect(whole.count >= expected.count - 1 || text.contains("\""))
      }
    }
    #expect(wellFormed > 2_000)
  }

  @Test func linesAreCountedWithinQuotes() {
    let bytes = Array("a,\"b\nc\r\nd\",e\r\nnext".utf8)
    var scanner = RecordScanner(Dialect(separator: .comma))
    let outcome = scanner.scan(bytes.span.bytes, from: 0, isAtEnd: true)
    #expect(outcome == .record(next: bytes.count - 4, lines: 3))
  }

  /// A quote that is not closed costs its own line, and not the rest of the file.
  @Test func aMalformedRecordEndsWithItsLine() throws {
    let contents = try Contents(
      """
      userId,movieId,rating,timestamp
      1,2,3.5,1260759144
      1,"3,3.5,1260759144
      1,4,3.5,1260759144
      1,"5",3.5,"2005-04-02 23:53:47"
      1,"6"x,3.5,1260759144
      1,7,"3.5
      """)
    #expect(contents.ratings.map(\.movie) == [2, 4, 5])
    #expect(contents.faults.map { $0.prefix(2) } == ["3:", "6:", "7:"])
  }
}

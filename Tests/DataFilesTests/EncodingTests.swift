import TestSupport
import Testing

@testable import DataFiles

@Suite struct EncodingTests {
  private static let text = "userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n"

  private func utf16(_ text: String, isBigEndian: Bool, marked: Bool = true) -> [UInt8] {
    ((marked ? [0xFEFF] : []) + Array(text.utf16)).flatMap { unit -> [UInt8] in
      let (high, low) = (UInt8(unit >> 8), UInt8(unit & 0xFF))
      return isBigEndian ? [high, low] : [low, high]
    }
  }

  @Test(arguments: [true, false], [true, false])
  func utf16IsRead(isBigEndian: Bool, marked: Bool) throws {
    let bytes = utf16(Self.text, isBigEndian: isBigEndian, marked: marked)
    let contents = try Contents(["ratings.csv": bytes])
    #expect(contents.ratings == [Loaded(1, 31, 2.5, 1_260_759_144)])
    #expect(contents.report.encoding == "UTF-16 \(isBigEndian ? "big" : "little")-endian")
  }

  @Test func utf16TitlesAreRead() throws {
    let text = "movieId,title,genres\n1,Amélie 🎬,Drama\n2,\"千と, 千尋\",War\n"
    for isBigEndian in [true, false] {
      #expect(
        try movies(utf16(text, isBigEndian: isBigEndian)).movies == [
          LoadedMovie(1, "Amélie 🎬", "Drama"), LoadedMovie(2, "千と, 千尋", "War"),
        ])
    }
  }

  /// However the chunks are cut, and whatever is in them, as the standard library decodes it.
  @Test func chunksAreCutAnywhere() {
    var random = SeededGenerator(seed: 16)
    for _ in 0..<2_000 {
      let units = (0..<Int.random(in: 0...12, using: &random)).map { _ -> UInt16 in
        switch Int.random(in: 0..<4, using: &random) {
        case 0: UInt16.random(in: 0xD800...0xDFFF, using: &random)
        case 1: UInt16.random(in: 0x20...0x7E, using: &random)
        default: UInt16.random(in: 0...UInt16.max, using: &random)
        }
      }
      let bytes = units.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
      var decoder = UTF16Decoder(isBigEndian: false)
      var text: [UInt8] = []
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = Int.random(in: 1...3, using: &random)
        decoder.decode(rest.prefix(count), into: &text)
        rest = rest.dropFirst(count)
      }
      decoder.finish(into: &text)
      #expect(String(decoding: text, as: UTF8.self) == String(decoding: units, as: UTF16.self))
    }
    var decoder = UTF16Decoder(isBigEndian: true)
    var text: [UInt8] = []
    decoder.decode([0, 0x41, 0], into: &text)
    decoder.finish(into: &text)
    #expect(String(decoding: text, as: UTF8.self) == "A\u{FFFD}")
  }

  @Test func bytesThatAreNotUTF8AreLatin1() {
    #expect(Latin1.text([0x41, 0xE9, 0x80, 0x9F, 0xFF]) == "Aé€Ÿÿ")
  }
}

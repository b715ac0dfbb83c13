import Archives
import TestSupport
import Testing

@Suite struct ArchiveReaderTests {
  private func contents(_ name: String, _ bytes: [UInt8]) throws -> [String: String] {
    let tree = try FileTree([name: bytes])
    let archive = try ArchiveReader(path: "\(tree.path)/\(name)")
    var contents: [String: String] = [:]
    while let entry = try archive.next() {
      var content: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 7)
      while true {
        let count = try buffer.withUnsafeMutableBytes { try archive.read(into: $0) }
        guard count > 0 else { break }
        content += buffer[..<count]
      }
      if let size = entry.size { #expect(size == content.count) }
      contents[entry.path] = String(decoding: content, as: UTF8.self)
    }
    #expect(archive.bytesRead > 0)
    return contents
  }

  @Test func readsTheFilesOfAZip() throws {
    let zip = Packing.zip([
      ("ml/", []), ("ml/ratings.csv", Array("1,2,3.5,4\n".utf8)),
      ("ml/Amélie.txt", Array("é".utf8)),
    ])
    #expect(try contents("a.zip", zip) == ["ml/ratings.csv": "1,2,3.5,4\n", "ml/Amélie.txt": "é"])
  }

  @Test func readsACompressedFile() throws {
    let text = String(repeating: "1,2,3.5,4\n", count: 2000)
    #expect(try contents("r.csv.gz", Packing.gzip(Array(text.utf8))) == ["": text])
  }

  @Test func aDamagedFileIsAnError() throws {
    let gzip = Packing.gzip(Array("1,2,3.5,4\n".utf8))
    #expect(throws: ArchiveError.self) { try contents("r.csv.gz", Array(gzip.dropLast(12))) }
    let zip = Packing.zip([("a", Array(repeating: 7, count: 1000))])
    #expect(throws: ArchiveError.self) { try contents("a.zip", Array(zip.prefix(500))) }
    #expect(throws: ArchiveError.self) { try ArchiveReader(path: "/tmp/there/is/none") }
  }
}

/// What a file is by its first bytes.
enum FileKind: Hashable {
  /// Nothing that is known: text, one hopes.
  case plain
  /// A zip or tar.
  case archive
  /// One file in gzip, bzip2, xz or zstd; a tar perhaps.
  case compressed
  /// Something else, with what it is and what to do.
  case foreign(String)

  private static let toTable = "write its ratings as CSV"
  private static let unpack = "unpack it and pass the directory"

  /// Signatures at the file's beginning. Source: the formats' own documents, as collected by
  /// https://www.garykessler.net/library/file_sigs.html
  private static let signatures: [(bytes: [UInt8], kind: FileKind)] = [
    ([0x50, 0x4B, 0x03, 0x04], .archive),
    ([0x50, 0x4B, 0x05, 0x06], .foreign("it is an empty zip")),
    ([0x1F, 0x8B], .compressed),
    (Array("BZh".utf8), .compressed),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], .compressed),
    ([0x28, 0xB5, 0x2F, 0xFD], .compressed),
    ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], .foreign("it is a 7z archive: \(unpack)")),
    (Array("Rar!".utf8), .foreign("it is a rar archive: \(unpack)")),
    (Array("PAR1".utf8), .foreign("it is a Parquet file: \(toTable), such as with pandas")),
    (Array("ORC".utf8), .foreign("it is an ORC file: \(toTable)")),
    ([0x4F, 0x62, 0x6A, 0x01], .foreign("it is an Avro file: \(toTable)")),
    (Array("ARROW1".utf8), .foreign("it is an Arrow or Feather file: \(toTable)")),
    (Array("FEA1".utf8), .foreign("it is a Feather file: \(toTable)")),
    (Array("SQLite format 3".utf8), .foreign("it is a SQLite database: \(toTable)")),
    ([0x89, 0x48, 0x44, 0x46], .foreign("it is an HDF5 file: \(toTable)")),
    ([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59], .foreign("it is a NumPy array: \(toTable)")),
    (Array("MATLAB".utf8), .foreign("it is a MATLAB file: \(toTable)")),
    ([0xD0, 0xCF, 0x11, 0xE0], .foreign("it is an old Excel workbook: save it as CSV")),
    (Array("%PDF".utf8), .foreign("it is a PDF: ratings are read from tables of text")),
    ([0xFF, 0xFE, 0x00, 0x00], .foreign("it is text in UTF-32: save it as UTF-8")),
    ([0x00, 0x00, 0xFE, 0xFF], .foreign("it is text in UTF-32: save it as UTF-8")),
  ]
  private static let tarMark = 257

  /// - Parameter head: the file's first bytes, 512 if there are so many.
  init(head: [UInt8]) {
    if let known = Self.signatures.first(where: { head.starts(with: $0.bytes) }) {
      self = known.kind
    } else if head.dropFirst(Self.tarMark).starts(with: "ustar".utf8) {
      self = .archive
    } else if head.count > 2, head[0] == 0x80, (2...5).contains(head[1]) {
      self = .foreign("it is a Python pickle: \(Self.toTable)")
    } else {
      self = .plain
    }
  }

  /// What a zip is whose files are only the parts of a document.
  static func document(_ names: [String]) -> String? {
    if names.contains("xl/workbook.xml") { return "it is an Excel workbook: save it as CSV" }
    if names.contains("content.xml"), names.contains("mimetype") {
      return "it is an OpenDocument file: save it as CSV"
    }
    if names.contains(where: { $0.hasSuffix(".npy") }) {
      return "it holds NumPy arrays: \(toTable)"
    }
    return nil
  }
}

/// A file to read: one of the file system, or one in an archive.
package struct DataFile: Hashable, Sendable {
  /// In the file system.
  package let path: String
  /// Its path in the archive at `path`; empty in a compressed file; `nil` for a plain file.
  package let entry: String?

  package init(path: String, entry: String? = nil) {
    self.path = path
    self.entry = entry
  }

  /// As errors and reports show it: `ml-1m.zip/ml-1m/ratings.dat`.
  package var name: String {
    guard let entry, !entry.isEmpty else { return path }
    return "\(path)/\(entry)"
  }

  func error(_ message: String, line: Int? = nil) -> DataFileError {
    DataFileError(path: name, line: line, message: message)
  }
}

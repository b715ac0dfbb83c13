/// A data file that can't be read, or a line of it that makes no sense.
package struct DataFileError: Error, Hashable, Sendable, CustomStringConvertible {
  package var path: String
  /// From 1; `nil` for a problem with the file as a whole.
  package var line: Int?
  /// What is wrong, and what to do where that is known.
  package var message: String

  package init(path: String, line: Int? = nil, message: String) {
    self.path = path
    self.line = line
    self.message = message
  }

  package var description: String {
    line.map { "\(path):\($0): \(message)" } ?? "\(path): \(message)"
  }
}

package import Console
import Foundation

/// A directory of this process's own, readable by its owner only. It is gone when this object is.
package final class TemporaryDirectory: Sendable {
  package let path: String

  /// - Parameter label: becomes part of the name: `projectionist-<label>-…`.
  package init(_ label: String) throws(CommandFailure) {
    let parent = FileManager.default.temporaryDirectory.path
    var template = Array("\(parent)/projectionist-\(label)-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else {
      throw CommandFailure(
        .failure, "no temporary directory in \(parent): \(String(cString: strerror(errno)))")
    }
    path = String(cString: made)
  }

  deinit { remove() }

  /// Deletes it with all that is in it.
  package func remove() {
    try? FileManager.default.removeItem(atPath: path)
  }

  package func file(_ name: String) -> String { "\(path)/\(name)" }
}

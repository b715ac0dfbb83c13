package import Foundation

/// A state directory that the system may empty, or that is in memory.
package struct VolatileDirectory: Hashable, Sendable {
  private static let roots: Set = ["/tmp", "/var/tmp", "/dev/shm", "/run", "/private/tmp"]

  package var path: String

  /// - Parameter path: may not exist yet. Symbolic links are followed.
  /// - Returns: `nil` for a directory that is as durable as its disk.
  package init?(_ path: String) {
    let url = URL(fileURLWithPath: path, isDirectory: true).standardizedFileURL
    let existing = url.nearestExisting
    let resolved = existing.resolvingSymlinksInPath().path
    let paths = [url.path, resolved + url.path.dropFirst(existing.path.count)]
    let isVolatile = paths.contains { path in
      Self.roots.contains { path == $0 || path.hasPrefix($0 + "/") }
    }
    guard isVolatile else { return nil }
    self.path = path
  }

  package var warning: String {
    "the system may empty \(path) at any time: keep state.directory elsewhere, or each loss costs a"
      + " restore from the changelogs"
  }
}

extension URL {
  /// The longest part of a path that exists.
  package var nearestExisting: URL {
    var existing = standardizedFileURL
    while !FileManager.default.fileExists(atPath: existing.path), existing.path != "/" {
      existing.deleteLastPathComponent()
    }
    return existing
  }
}

import Foundation
import Testing

@testable import Configuration

@Suite struct VolatileDirectoryTests {
  @Test(arguments: ["/tmp/state", "/tmp", "/var/tmp/x/y", "/dev/shm/a", "/srv/../tmp/a", "/run/p"])
  func whatTheSystemMayEmptyIsNamed(path: String) throws {
    let directory = try #require(VolatileDirectory(path))
    #expect(directory.warning.contains(path))
  }

  @Test(arguments: ["/srv/state", "/var/lib/projectionist", "/tmpfiles/state", "/home/tmp/state"])
  func otherPlacesAreDurable(path: String) {
    #expect(VolatileDirectory(path) == nil)
  }

  @Test func symbolicLinksAreFollowed() throws {
    let link = FileManager.default.currentDirectoryPath + "/.link-\(UUID().uuidString)"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/tmp")
    defer { try? FileManager.default.removeItem(atPath: link) }
    #expect(VolatileDirectory(link + "/state") != nil)
  }
}

import Console
import Foundation

/// The name that tells this instance from others of the same application.
///
/// It is part of transactional ids, so it must be the same after a restart: then the restarted
/// process settles its predecessor's open transaction at once.
package enum InstanceName {
  /// The configured name, or the one kept in `<state.directory>/<application>/instance`, which is
  /// made the first time. Call it with the state directory's lock held.
  ///
  /// - Throws: for a file that can't be read or holds no name. A new name in its place would make
  ///   this a new instance, and leave the old one's open transaction to its timeout.
  package static func resolve(_ settings: Settings) throws -> String {
    guard settings.instance.isEmpty else { return settings.instance }
    let directory = URL(fileURLWithPath: settings.stateRoot, isDirectory: true)
    let file = directory.appending(path: "instance")
    if let kept = try kept(in: file) { return kept }
    let name = String(UInt32.random(in: .min ... .max) | 0x8000_0000, radix: 16)
    try FileManager.default.createDirectory(
      at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try Data("\(name)\n".utf8).write(to: file, options: .atomic)
    return name
  }

  /// - Returns: `nil` without a file.
  private static func kept(in file: URL) throws(CommandFailure) -> String? {
    let text: String
    do {
      text = try String(contentsOf: file, encoding: .utf8)
    } catch CocoaError.fileReadNoSuchFile {
      return nil
    } catch {
      throw CommandFailure(
        .failure,
        "the instance's name can't be read from \(file.path): \(error.localizedDescription)")
    }
    let name = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !name.isEmpty, let valid = SettingType.instanceName.parse(.text(name)) else {
      throw CommandFailure(
        .failure,
        "\(file.path) holds no name of an instance: put the old name back, or delete the file for"
          + " a new one")
    }
    return valid
  }
}

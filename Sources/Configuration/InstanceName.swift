import Foundation

/// The name that tells this instance from others of the same application.
///
/// It is part of transactional ids, so it must be the same after a restart: then the restarted
/// process settles its predecessor's open transaction at once.
package enum InstanceName {
  /// The configured name, or the one kept in `<state.directory>/<application>/instance`, which is
  /// made the first time. Call it with the state directory's lock held.
  package static func resolve(_ settings: Settings) throws -> String {
    guard settings.instance.isEmpty else { return settings.instance }
    let directory = URL(fileURLWithPath: settings.stateRoot, isDirectory: true)
    let file = directory.appending(path: "instance")
    if let kept = try? String(contentsOf: file, encoding: .utf8) {
      let name = kept.trimmingCharacters(in: .whitespacesAndNewlines)
      if !name.isEmpty, let valid = SettingType.instanceName.parse(.text(name)) { return valid }
    }
    let name = String(UInt32.random(in: .min ... .max) | 0x8000_0000, radix: 16)
    try FileManager.default.createDirectory(
      at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try Data("\(name)\n".utf8).write(to: file, options: .atomic)
    return name
  }
}

import StateStore

/// What a store's mark says.
public enum StoreCondition: String, Sendable {
  /// Synced and cleanly closed.
  case closed
  /// In use, or left open by a killed process: whole.
  case open
  /// Pages may be missing: it was open when the machine went down, or its sync failed.
  case torn
  /// No mark.
  case unknown
}

/// A file next to a store that says whether the store is whole. Commits are not synced; the mark
/// is.
///
/// While a store is open its mark holds the kernel's boot id. The kernel keeps every page that a
/// killed process wrote, so as long as the boot id is the same, the store is whole. After a power
/// failure the boot id differs, and pages may be missing. A clean close syncs the store before the
/// mark, so a store marked closed is always whole.
enum DurabilityMark {
  static let fileName = "mark"
  private static let closed = "closed"
  private static let torn = "torn"

  static func condition(_ directory: String, bootID: String) throws(StoreError) -> StoreCondition {
    switch try FileSystem.read("\(directory)/\(fileName)") {
    case closed: .closed
    case "open \(bootID)": .open
    case nil: .unknown
    default: .torn
    }
  }

  /// Refuses a store that may be torn.
  static func check(_ directory: String, bootID: String) throws(StoreError) {
    let text = try FileSystem.read("\(directory)/\(fileName)")
    switch text {
    case closed, "open \(bootID)": return
    case nil, torn:
      throw StoreError(
        "the store at \(directory) may be torn; rebuild it", remedy: .rebuild)
    default:
      throw StoreError(
        "the store at \(directory) was open when the machine went down and may be torn; "
          + "rebuild it", remedy: .rebuild)
    }
  }

  static func setOpen(_ directory: String, bootID: String) throws(StoreError) {
    try FileSystem.replace(fileName, in: directory, with: "open \(bootID)")
  }

  static func setClosed(_ directory: String) throws(StoreError) {
    try FileSystem.replace(fileName, in: directory, with: closed)
  }

  /// Marks a store whose sync failed.
  static func setTorn(_ directory: String) throws(StoreError) {
    try FileSystem.replace(fileName, in: directory, with: torn)
  }

  /// Identifies the kernel's current boot; random each time (proc(5), `random/boot_id`).
  static func currentBootID() throws(StoreError) -> String {
    let path = "/proc/sys/kernel/random/boot_id"
    guard let text = try FileSystem.read(path) else {
      throw StoreError("can't read \(path): no such file", remedy: .stop)
    }
    return String(text.prefix { $0 != "\n" })
  }
}

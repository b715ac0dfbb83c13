import StateStore

/// What a store's mark says about it.
public enum StoreCondition: String, Sendable {
  /// Synced and cleanly closed.
  case closed
  /// In use, or left by a process that was killed: whole.
  case open
  /// Pages may be missing: it was open when the machine went down, or could not be synced.
  case torn
  /// There is no mark.
  case unknown
}

/// Tells whether a store that is not synced per commit is whole: a file beside it, synced itself.
///
/// While a store is open the mark holds the running kernel's boot id. After a killed process the
/// kernel still has every page the process wrote, so the store is whole as long as the boot id is
/// the same; after a loss of power it differs, and pages may be missing. A clean close syncs the
/// store first and the mark after it, so a store marked closed is always whole.
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
        "the store at \(directory) is not known to be whole; rebuild it", remedy: .rebuild)
    default:
      throw StoreError(
        "the store at \(directory) was open when the machine went down, so it may be torn; "
          + "rebuild it", remedy: .rebuild)
    }
  }

  static func setOpen(_ directory: String, bootID: String) throws(StoreError) {
    try FileSystem.replace(fileName, in: directory, with: "open \(bootID)")
  }

  static func setClosed(_ directory: String) throws(StoreError) {
    try FileSystem.replace(fileName, in: directory, with: closed)
  }

  /// Marks a store whose pages could not be written out.
  static func setTorn(_ directory: String) throws(StoreError) {
    try FileSystem.replace(fileName, in: directory, with: torn)
  }

  /// Names the running kernel's lifetime: random at every boot (proc(5), `random/boot_id`).
  static func currentBootID() throws(StoreError) -> String {
    let path = "/proc/sys/kernel/random/boot_id"
    guard let text = try FileSystem.read(path) else {
      throw StoreError("can't read \(path): no such file", remedy: .stop)
    }
    return String(text.prefix { $0 != "\n" })
  }
}

import Glibc

/// Finds where this process has mapped a file, in `/proc/self/maps`.
enum MemoryMap {
  /// - Returns: the file's longest mapping; `nil` if none is found.
  static func find(file: String) -> UnsafeMutableRawBufferPointer? {
    guard let resolved = unsafe realpath(file, nil) else { return nil }
    defer { unsafe free(resolved) }
    let name = unsafe String(cString: resolved)
    guard let maps = unsafe fopen("/proc/self/maps", "r") else { return nil }
    defer { unsafe fclose(maps) }
    var longest: UnsafeMutableRawBufferPointer?
    var line: UnsafeMutablePointer<CChar>?
    var capacity = 0
    defer { unsafe free(line) }
    while unsafe getline(&line, &capacity, maps) > 0 {
      guard let line = unsafe line, let range = unsafe range(String(cString: line), of: name) else {
        continue
      }
      if unsafe range.count > longest?.count ?? 0 { unsafe longest = unsafe range }
    }
    return unsafe longest
  }

  /// A line is `start-end rights offset device inode name`, addresses in hexadecimal.
  private static func range(_ line: String, of name: String) -> UnsafeMutableRawBufferPointer? {
    let fields = line.dropLast().split(
      separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
    guard fields.count == 6, fields[5] == name else { return nil }
    let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
    guard bounds.count == 2, bounds[0] < bounds[1] else { return nil }
    return unsafe UnsafeMutableRawBufferPointer(
      start: UnsafeMutableRawPointer(bitPattern: bounds[0]), count: Int(bounds[1] - bounds[0]))
  }
}

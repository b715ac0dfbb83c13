import CLMDB

/// The readers of an environment, of this process and of others.
struct ReaderTable {
  /// The number of the oldest commit that one of them sees; `nil` without any at work.
  private(set) var oldest: Int?

  /// LMDB tells of readers only in text: a heading, then a line with process, thread and commit for
  /// each, and a dash in the place of the commit for those at rest.
  init(_ environment: OpaquePointer) {
    var text = ""
    unsafe withUnsafeMutablePointer(to: &text) { place in
      _ = unsafe mdb_reader_list(
        environment,
        { line, context in
          guard let line = unsafe line,
            let text = unsafe context?.assumingMemoryBound(to: String.self)
          else { return 0 }
          unsafe text.pointee += unsafe String(cString: line)
          return 0
        }, place)
    }
    oldest = Self.commits(in: text).min()
  }

  /// The commits that the readers see, by the text of `mdb_reader_list`.
  static func commits(in text: String) -> [Int] {
    text.split(separator: "\n").compactMap { line in
      line.split(separator: " ").last.flatMap { Int($0) }
    }
  }
}

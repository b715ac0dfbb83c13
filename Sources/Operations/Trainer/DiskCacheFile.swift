import Foundation
package import Pipeline

/// The cache of one partition as a file: `<directory>/<topic>-<partition>.ratings`.
package struct DiskCacheFile: RatingCacheFile {
  private let url: URL

  package init(_ source: CacheSource, in directory: String) {
    url = URL(fileURLWithPath: directory, isDirectory: true)
      .appending(path: "\(source.topic)-\(source.partition).ratings")
  }

  package func read<Result>(_ body: (RawSpan) -> Result) throws(RatingCacheError) -> Result {
    let data: Data
    do { data = try Data(contentsOf: url, options: .mappedIfSafe) } catch CocoaError
      .fileReadNoSuchFile
    {
      data = Data()
    } catch { throw failure("read", error) }
    return data.withUnsafeBytes { body(RawSpan(_unsafeBytes: $0)) }
  }

  package func append(_ bytes: [UInt8]) throws(RatingCacheError) {
    do {
      let handle = try FileHandle(forWritingTo: url)
      defer { try? handle.close() }
      try handle.seekToEnd()
      try handle.write(contentsOf: bytes)
    } catch { throw failure("written", error) }
  }

  package func truncate(to count: Int) throws(RatingCacheError) {
    do {
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
      guard FileManager.default.fileExists(atPath: url.path) else {
        try Data().write(to: url)
        return
      }
      let handle = try FileHandle(forWritingTo: url)
      defer { try? handle.close() }
      try handle.truncate(atOffset: UInt64(count))
    } catch { throw failure("written", error) }
  }

  private func failure(_ what: String, _ error: any Error) -> RatingCacheError {
    RatingCacheError(
      "the cache of ratings \(url.path) can't be \(what): \(error.localizedDescription)")
  }
}

import CArchive
import Glibc

/// Why an archive can't be read.
public struct ArchiveError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One clause, in libarchive's words.
  public let message: String

  public var description: String { message }
}

/// A file in an archive.
public struct ArchiveEntry: Hashable, Sendable {
  /// Its path in the archive; empty in a compressed file, which is an archive of one.
  public var path: String
  /// Its length in bytes, where the archive says so.
  public var size: Int?
}

/// Reads the files of an archive (zip, tar) or of a compressed file (gzip, bzip2, xz, zstd, or a
/// tar in one of them) from front to back, without unpacking anything to disk.
@safe public final class ArchiveReader {
  private static let blockSize = 1 << 18

  private let archive: OpaquePointer

  /// Opens an archive. The file must be one: anything else is read as a compressed file that is not
  /// compressed.
  public init(path: String) throws(ArchiveError) {
    guard let archive = unsafe archive_read_new() else {
      throw ArchiveError(message: "out of memory")
    }
    unsafe self.archive = unsafe archive
    // They warn of what another program has to unpack, and such are not among these.
    unsafe _ = archive_read_support_filter_gzip(archive)
    unsafe _ = archive_read_support_filter_bzip2(archive)
    unsafe _ = archive_read_support_filter_xz(archive)
    unsafe _ = archive_read_support_filter_zstd(archive)
    unsafe _ = archive_read_support_format_zip(archive)
    unsafe _ = archive_read_support_format_tar(archive)
    unsafe _ = archive_read_support_format_raw(archive)
    guard unsafe archive_read_open_filename(archive, path, Self.blockSize) == ARCHIVE_OK else {
      throw failure()
    }
  }

  deinit { unsafe _ = archive_read_free(archive) }

  /// Goes to the next regular file.
  ///
  /// - Returns: `nil` at the archive's end.
  public func next() throws(ArchiveError) -> ArchiveEntry? {
    // libarchive knows names beyond ASCII only in a locale that has them.
    let locale = unsafe newlocale(LC_CTYPE_MASK, "C.UTF-8", nil)
    let former = unsafe locale.map { unsafe uselocale($0) }
    defer {
      if let former = unsafe former { unsafe _ = uselocale(former) }
      if let locale = unsafe locale { unsafe freelocale(locale) }
    }
    while true {
      var header: OpaquePointer?
      let status = unsafe archive_read_next_header(archive, &header)
      if status == ARCHIVE_EOF { return nil }
      // A warning is about the name's encoding or the file's rights.
      guard status == ARCHIVE_OK || status == ARCHIVE_WARN, let header = unsafe header else {
        throw failure()
      }
      guard unsafe archive_entry_filetype(header) == S_IFREG else { continue }
      let name = unsafe archive_entry_pathname_utf8(header) ?? archive_entry_pathname(header)
      let path = unsafe name.map { unsafe String(cString: $0) } ?? "(unnamed)"
      let size = unsafe archive_entry_size_is_set(header) != 0 ? archive_entry_size(header) : nil
      // A directory of DOS may have no other mark.
      if path.hasSuffix("/") { continue }
      let isRaw = unsafe archive_format(archive) == ARCHIVE_FORMAT_RAW
      return ArchiveEntry(path: isRaw ? "" : path, size: size.map { Int($0) })
    }
  }

  /// Reads the next bytes of the file it has gone to.
  ///
  /// - Returns: how many there are; 0 at the file's end.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
    while true {
      let count = unsafe archive_read_data(archive, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      guard count == Int(ARCHIVE_RETRY) else { throw failure() }
    }
  }

  /// How many bytes of the archive itself have been read.
  public var bytesRead: Int { unsafe Int(archive_filter_bytes(archive, -1)) }

  private func failure() -> ArchiveError {
    let text = unsafe archive_error_string(archive).map { unsafe String(cString: $0) }
    return ArchiveError(message: text ?? "the archive can't be read")
  }
}

package import Foundation

/// A file that a command writes. A device or a pipe stays what it is, whereas Foundation's way to
/// make a file would put one in its place.
package struct OutputFile {
  private let path: String
  private let handle: FileHandle

  /// Makes the file, or empties the one that is there; `-` is standard output.
  package init(_ path: String) throws(CommandFailure) {
    self.path = path == "-" ? "standard output" : path
    if path == "-" {
      handle = .standardOutput
      return
    }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw CommandFailure(
        .failure, "\(path) can't be written: \(String(cString: strerror(errno)))")
    }
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  /// Throws unless the file can be made: work whose result would be lost need not begin. A file
  /// that is there stays as it is.
  package static func check(_ path: String) throws(CommandFailure) {
    guard path != "-" else { return }
    let isThere = access(path, F_OK) == 0
    let directory = (path as NSString).deletingLastPathComponent
    guard access(isThere ? path : directory.isEmpty ? "." : directory, W_OK) != 0 else { return }
    throw CommandFailure(.failure, "\(path) can't be written: \(String(cString: strerror(errno)))")
  }

  package func write(_ bytes: some DataProtocol) throws(CommandFailure) {
    do { try handle.write(contentsOf: bytes) } catch { throw failure(error) }
  }

  /// By the system's reason, where Foundation passes it on.
  private func failure(_ error: any Error) -> CommandFailure {
    let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    guard let cause, cause.domain == NSPOSIXErrorDomain else {
      return CommandFailure(.failure, "\(path) can't be written: \(error.localizedDescription)")
    }
    let reason = String(cString: strerror(Int32(cause.code)))
    return CommandFailure(.failure, "\(path) can't be written: \(reason)")
  }
}

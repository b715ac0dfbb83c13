// Foundation has `stdout` as a variable that any thread may set.
@preconcurrency import Glibc

/// What `print` has written, which reports no failure.
enum PrintedText {
  static let unknownReason: Int32 = -1

  /// Why not all that was printed is in standard output; `nil` if it is.
  static func loss() -> Int32? { loss(in: stdout) }

  static func loss(in file: UnsafeMutablePointer<FILE>) -> Int32? {
    // What could not be written stays in the buffer, and fails again. What is too long for the
    // buffer is marked as failed, without a reason.
    let isMarked = ferror(file) != 0
    if fflush(file) != 0 { return errno }
    return isMarked ? unknownReason : nil
  }
}

import Codecs
import EventLog
import Streams

/// Values read back from a store of our own.
enum Stored {
  /// - Throws: `.rebuildStore` for a value that can't be decoded.
  static func value<Value>(_ stored: Result<Value, CodecError>?, of source: TopicPartition)
    throws(StageError) -> Value?
  {
    switch stored {
    case nil: return nil
    case .success(let value): return value
    case .failure(let error): throw unreadable(error, of: source)
    }
  }

  static func unreadable(_ error: CodecError, of source: TopicPartition) -> StageError {
    .failed(
      Reason(.storeDamaged, "the state of \(source) holds a value that can't be read: \(error)"),
      .rebuildStore)
  }
}

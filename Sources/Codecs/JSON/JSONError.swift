import CSimdjson

/// Why a document is not a JSON object.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
  let code: UInt8

  /// The levels of nesting that simdjson follows.
  static let deepest = 1024

  /// What is wrong with a value that was refused with this error. The parser's own sentence is of
  /// use only where nothing better is known.
  ///
  /// - Parameter acceptsMark: whether a byte order mark is not what is wrong.
  package func sentence(on value: RawSpan, acceptsMark: Bool = true) -> String {
    let isMarked = acceptsMark && value.begins(with: byteOrderMark)
    let form = ForeignForm(of: isMarked ? value.extracting(byteOrderMark.count...) : value)
    return form == .plainText ? "\(form.sentence) (\(message))" : form.sentence
  }

  static let notAnObject = JSONError(code: UInt8(csj_error_not_an_object))

  /// One sentence for a person, simdjson's own where it is the judge.
  public var message: String { unsafe String(cString: csj_error_message(code)) }

  public var description: String { message }
}

/// A record that our own code does not write: it is foreign, or comes from a newer version.
public struct RecordError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One sentence for a person.
  public let message: String

  public init(_ message: String) {
    self.message = message
  }

  @usableFromInline
  package init(missing field: StaticString) {
    self.init("the field \(field) is missing or not of its type")
  }

  public var description: String { message }
}

package import Codecs

/// What one function writes, as text.
package func written(_ write: (inout JSONWriter) -> Void) -> String {
  var writer = JSONWriter()
  write(&writer)
  return String(decoding: writer.copyBytes(), as: UTF8.self)
}

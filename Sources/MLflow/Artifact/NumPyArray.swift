/// Arrays as NumPy's `.npy` files, version 1.0:
/// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
enum NumPyArray {
  /// What an element is.
  protocol Element: BitwiseCopyable {
    static var descriptor: String { get }
  }

  /// - Parameters:
  ///   - elements: little-endian, as on every machine that Swift supports.
  ///   - columns: of a matrix, whose rows lie one after another; `nil` for a vector.
  static func file<Value: Element>(_ elements: ArraySlice<Value>, columns: Int? = nil) -> [UInt8] {
    let shape = columns.map { "(\(elements.count / max($0, 1)), \($0))" } ?? "(\(elements.count),)"
    var header = "{'descr': '\(Value.descriptor)', 'fortran_order': False, 'shape': \(shape), }"
    // The data begins at a multiple of 64.
    while (10 + header.utf8.count + 1) % 64 != 0 { header += " " }
    header += "\n"
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
    bytes.reserveCapacity(10 + header.utf8.count + elements.count * MemoryLayout<Value>.stride)
    bytes.append(UInt8(header.utf8.count & 0xff))
    bytes.append(UInt8(header.utf8.count >> 8))
    bytes += Array(header.utf8)
    elements.withUnsafeBytes { bytes.append(contentsOf: $0) }
    return bytes
  }
}

extension Float: NumPyArray.Element {
  static var descriptor: String { "<f4" }
}

extension Int32: NumPyArray.Element {
  static var descriptor: String { "<i4" }
}

extension Int64: NumPyArray.Element {
  static var descriptor: String { "<i8" }
}

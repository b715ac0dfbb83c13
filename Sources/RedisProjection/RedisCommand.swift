/// The arguments of one command, binary-safe, in memory that is reused from command to command.
@safe struct RedisCommand {
  private var bytes: [UInt8] = []
  private(set) var lengths: [Int] = []
  private var pointers: [UnsafePointer<CChar>?] = unsafe []

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    lengths.removeAll(keepingCapacity: true)
  }

  mutating func append(copying argument: some Collection<UInt8>) {
    bytes.append(contentsOf: argument)
    lengths.append(argument.count)
  }

  /// Appends arguments that are contiguous in memory.
  mutating func append(contentsOf arguments: ArraySlice<UInt8>, lengths: ArraySlice<Int>) {
    bytes.append(contentsOf: arguments)
    self.lengths.append(contentsOf: lengths)
  }

  /// Hands the arguments to `body` in the form that hiredis takes, valid only inside.
  mutating func withArguments<R>(
    _ body: (Int32, UnsafeMutablePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int>?) -> R
  ) -> R {
    unsafe pointers.removeAll(keepingCapacity: true)
    return unsafe bytes.withUnsafeBytes { buffer in
      unsafe buffer.withMemoryRebound(to: CChar.self) { buffer in
        var next = buffer.baseAddress
        for length in lengths {
          unsafe pointers.append(next)
          unsafe next = next?.advanced(by: length)
        }
      }
      return unsafe lengths.withUnsafeBufferPointer { lengths in
        unsafe pointers.withUnsafeMutableBufferPointer { pointers in
          unsafe body(Int32(lengths.count), pointers.baseAddress, lengths.baseAddress)
        }
      }
    }
  }
}

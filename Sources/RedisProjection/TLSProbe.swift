import CHiredis
import Glibc

/// Asks a server that hangs up on plain text, or waits for more of it, whether it speaks TLS. Redis
/// itself and most proxies don't say so.
enum TLSProbe {
  /// A `ClientHello` of TLS 1.2 with three common cipher suites. What knows TLS answers it, be it
  /// with an alert.
  static let hello: [UInt8] =
    [0x16, 0x03, 0x01, 0x00, 0x33, 0x01, 0x00, 0x00, 0x2f, 0x03, 0x03]
    + Array(repeating: 0x5a, count: 32)
    + [0x00, 0x00, 0x06, 0xc0, 0x2f, 0xc0, 0x2b, 0x00, 0x2f, 0x01, 0x00, 0x00, 0x00]

  private static let patience = timeval(tv_sec: 1, tv_usec: 0)

  /// Whether a server answers with a record of TLS. False when it does not answer.
  static func isAnswered(by configuration: RedisConfiguration) -> Bool {
    guard case .tcp(let host, let port) = configuration.address,
      let context = unsafe redisConnectWithTimeout(host, Int32(port), patience)
    else { return false }
    defer { unsafe redisFree(context) }
    guard unsafe context.pointee.err == 0 else { return false }
    unsafe redisSetTimeout(context, patience)
    let socket = unsafe context.pointee.fd
    let sent = unsafe hello.withUnsafeBytes {
      unsafe send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
    }
    guard sent == hello.count else { return false }
    var answer: [UInt8] = [0, 0]
    let received = unsafe answer.withUnsafeMutableBytes {
      unsafe recv(socket, $0.baseAddress, $0.count, Int32(MSG_WAITALL))
    }
    return received == answer.count && (answer[0] == 0x15 || answer[0] == 0x16) && answer[1] == 3
  }
}

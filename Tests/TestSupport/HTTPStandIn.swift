import Foundation
import Synchronization

/// A server on loopback that answers as a test wants, well or badly. It ends with `stop`.
package final class HTTPStandIn: Sendable {
  package struct Request: Sendable {
    package var method: String
    /// With its query.
    package var target: String
    /// Names in small letters.
    package var headers: [String: String]
    package var body: [UInt8]
  }

  package enum Answer: Sendable {
    case reply(status: Int, type: String = "application/json", body: String)
    /// These bytes as they are, and then the end of the connection.
    case bytes(String)
    /// The end of the connection.
    case nothing
    /// Neither an answer nor an end.
    case silence
  }

  private let listener: Int32
  private let open = Mutex<Set<Int32>>([])
  package let port: UInt16

  package var address: String { "http://127.0.0.1:\(port)" }

  package init(_ answer: @escaping @Sendable (Request) -> Answer) throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let (socket, size) = (listener, length)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, size) == 0 && listen(socket, 16) == 0
          && getsockname(socket, $0, &length) == 0
      }
    }
    guard isListening else { throw POSIXError(.EADDRNOTAVAIL) }
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread { [self] in
      while true {
        let connection = accept(socket, nil, nil)
        guard connection >= 0 else { return }
        open.withLock { _ = $0.insert(connection) }
        Thread.detachNewThread { [self] in
          serve(connection, answer)
          open.withLock { _ = $0.remove(connection) }
          close(connection)
        }
      }
    }
  }

  package func stop() {
    shutdown(listener, Int32(SHUT_RDWR))
    open.withLock { for connection in $0 { shutdown(connection, Int32(SHUT_RDWR)) } }
  }

  deinit { close(listener) }

  private func serve(_ connection: Int32, _ answer: (Request) -> Answer) {
    var input = Input(connection)
    while let request = input.next() {
      switch answer(request) {
      case .reply(let status, let type, let body):
        send(
          connection,
          "HTTP/1.1 \(status) Word\r\nContent-Type: \(type)\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
      case .bytes(let text):
        send(connection, text)
        return
      case .nothing: return
      case .silence:
        // Until the client or `stop` ends the connection.
        while input.fill() {}
        return
      }
    }
  }

  private func send(_ connection: Int32, _ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let sent = bytes.withUnsafeBytes {
        Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard sent > 0 else { return }
      bytes = bytes.dropFirst(sent)
    }
  }
}

/// What has come over a connection.
private struct Input {
  private let connection: Int32
  private var bytes: [UInt8] = []

  init(_ connection: Int32) {
    self.connection = connection
  }

  /// - Returns: false at the end of the connection.
  mutating func fill() -> Bool {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    let count = recv(connection, &chunk, chunk.count, 0)
    guard count > 0 else { return false }
    bytes += chunk[..<count]
    return true
  }

  mutating func next() -> HTTPStandIn.Request? {
    let blank = Array("\r\n\r\n".utf8)
    var end: Int?
    while true {
      end = bytes.indices.first { bytes[$0...].starts(with: blank) }
      if end != nil { break }
      guard fill() else { return nil }
    }
    guard let end else { return nil }
    let lines = String(decoding: bytes[..<end], as: UTF8.self).components(separatedBy: "\r\n")
    let words = lines[0].split(separator: " ").map(String.init)
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] =
        line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    let length = headers["content-length"].flatMap { Int($0) } ?? 0
    bytes.removeFirst(end + blank.count)
    while bytes.count < length { guard fill() else { return nil } }
    let body = Array(bytes.prefix(length))
    bytes.removeFirst(length)
    guard words.count >= 2 else { return nil }
    return HTTPStandIn.Request(
      method: words[0], target: words[1], headers: headers, body: body)
  }
}

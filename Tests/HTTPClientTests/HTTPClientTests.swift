import HTTPClient
import Synchronization
import TestSupport
import Testing

@Suite struct HTTPClientTests {
  /// Sends one request to a server that gives this answer.
  private func send(
    _ answer: HTTPStandIn.Answer, timeout: Duration = .seconds(20), longest: Int = 1 << 20,
    isCancelled: @escaping () -> Bool = { false }
  ) throws -> Result<HTTPResponse, HTTPFailure> {
    let server = try HTTPStandIn { _ in answer }
    defer { server.stop() }
    var client = try HTTPClient(HTTPConfiguration(timeout: timeout, longestAnswer: longest))
    do throws(HTTPFailure) {
      return .success(
        try client.send(HTTPRequest(.get, server.address + "/a"), isCancelled: isCancelled))
    } catch {
      return .failure(error)
    }
  }

  private func reason(_ result: Result<HTTPResponse, HTTPFailure>) -> HTTPFailure.Reason? {
    if case .failure(let failure) = result { failure.reason } else { nil }
  }

  @Test func bodiesOfAllSizesArriveInBothDirections() throws {
    let server = try HTTPStandIn { request in
      .reply(
        status: 200, type: "text/plain; charset=utf-8",
        body: request.method + " " + String(decoding: request.body, as: UTF8.self))
    }
    defer { server.stop() }
    var client = try HTTPClient(HTTPConfiguration())
    for (method, size) in [(HTTPRequest.Method.post, 0), (.put, 3_000_000), (.delete, 7)] {
      let text = String(repeating: "x", count: size)
      let response = try client.send(HTTPRequest(method, server.address, body: Array(text.utf8)))
      #expect(response.status == 200)
      #expect(response.contentType == "text/plain")
      #expect(String(decoding: response.body, as: UTF8.self) == "\(method.rawValue) \(text)")
    }
  }

  @Test func headersAndCredentialsArriveAndRedirectsAreNotFollowed() throws {
    let requests = Mutex<[HTTPStandIn.Request]>([])
    let server = try HTTPStandIn { request in
      requests.withLock { $0.append(request) }
      return .bytes(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    }
    defer { server.stop() }
    var client = try HTTPClient(HTTPConfiguration())
    let response = try client.send(
      HTTPRequest(.get, server.address + "/x?y=z", headers: [.init("Authorization", "Bearer t")]))
    #expect(response.status == 302)
    let request = try #require(requests.withLock { $0.first })
    #expect(request.target == "/x?y=z")
    #expect(request.headers["authorization"] == "Bearer t")
  }

  @Test func whatAServerMayDoWrongHasAReason() throws {
    #expect(reason(try send(.nothing)) == .closed)
    #expect(reason(try send(.bytes("no HTTP at all\r\n\r\n"))) == .notHTTP)
    #expect(
      reason(try send(.bytes("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"))) == .closed)
    #expect(reason(try send(.silence, timeout: .seconds(1))) == .slow)
    #expect(
      reason(try send(.reply(status: 200, body: String(repeating: "x", count: 100)), longest: 99))
        == .tooLong)
    #expect(reason(try send(.silence, isCancelled: { true })) == .cancelled)
  }

  @Test func addressesThatLeadNowhereHaveAReason() throws {
    var client = try HTTPClient(HTTPConfiguration(timeout: .seconds(20)))
    func reason(_ url: String) throws -> HTTPFailure.Reason? {
      do throws(HTTPFailure) {
        _ = try client.send(HTTPRequest(.get, url))
        return nil
      } catch {
        return error.reason
      }
    }
    let server = try HTTPStandIn { _ in .nothing }
    server.stop()
    #expect(try reason("http://name.invalid/") == .unknownHost)
    #expect(try reason("file:///etc/passwd") == .notAnAddress)
    #expect(try reason("http://") == .notAnAddress)
  }

  @Test func aServerWithoutTLSAndAMissingAuthorityFileHaveAReason() throws {
    let server = try HTTPStandIn { _ in .nothing }
    defer { server.stop() }
    let url = "https://127.0.0.1:\(server.port)/"
    func reason(_ file: String?) throws -> HTTPFailure.Reason? {
      var client = try HTTPClient(HTTPConfiguration(authorityFile: file, timeout: .seconds(2)))
      do throws(HTTPFailure) {
        _ = try client.send(HTTPRequest(.get, url))
        return nil
      } catch {
        return error.reason
      }
    }
    #expect(try reason("/there/is/no/such/file") == .authorityFile)
    // A server that waits for a line of HTTP says nothing to a handshake.
    #expect([.slow, .handshake, .closed].contains(try reason(nil)))
  }

  @Test func headersHaveNoLineEnds() throws {
    var client = try HTTPClient(HTTPConfiguration())
    #expect(throws: HTTPFailure.self) {
      try client.send(HTTPRequest(.get, "http://127.0.0.1:1/", headers: [.init("A", "b\r\nC: d")]))
    }
  }
}

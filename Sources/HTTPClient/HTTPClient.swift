import CCurl

/// Sends requests one after another, over a connection each. Belongs to one thread.
///
/// libcurl sends a request again by itself if a kept connection ends before the answer, and what a
/// server has done already it would do twice; see `Curl_retry_request` in lib/transfer.c. Redirects
/// are not followed: credentials go where they were meant to go.
@safe public struct HTTPClient: ~Copyable {
  private let handle: UnsafeMutableRawPointer
  private let configuration: HTTPConfiguration

  private static let isReady: Bool = {
    curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK
  }()

  public init(_ configuration: HTTPConfiguration) throws(HTTPFailure) {
    guard Self.isReady, let handle = unsafe curl_easy_init() else {
      throw HTTPFailure(.other, "libcurl can't be used")
    }
    unsafe self.handle = handle
    self.configuration = configuration
  }

  deinit { unsafe curl_easy_cleanup(handle) }

  /// Sends a request and waits for the whole answer.
  ///
  /// - Parameter isCancelled: asked about every second; true ends the transfer.
  public mutating func send(
    _ request: HTTPRequest, isCancelled: @escaping () -> Bool = { false }
  ) throws(HTTPFailure) -> HTTPResponse {
    unsafe curl_easy_reset(handle)
    let transfer = Transfer(longest: configuration.longestAnswer, isCancelled: isCancelled)
    let context = unsafe Unmanaged.passUnretained(transfer).toOpaque()
    let (code, words) = try withExtendedLifetime(transfer) { () throws(HTTPFailure) in
      try unsafe perform(request, context)
    }
    guard code == CURLE_OK else { throw HTTPFailure(code, words: words) }
    return HTTPResponse(status: status, contentType: contentType, body: transfer.bytes)
  }

  private func perform(
    _ request: HTTPRequest, _ context: UnsafeMutableRawPointer
  ) throws(HTTPFailure) -> (CURLcode, words: String) {
    let headers = try HeaderList(request)
    return try unsafe withUnsafeTemporaryAllocation(
      of: CChar.self, capacity: Int(CURL_ERROR_SIZE)
    ) { words throws(HTTPFailure) in
      unsafe words.initialize(repeating: 0)
      unsafe ccurl_set_pointer(handle, CURLOPT_ERRORBUFFER, words.baseAddress)
      try unsafe configure(request, context)
      unsafe ccurl_set_headers(handle, headers.first)
      let code = unsafe request.body.withBytes { body in
        unsafe setBody(body)
        return unsafe curl_easy_perform(handle)
      }
      let found = unsafe words.baseAddress.map { unsafe String(cString: $0) } ?? ""
      let words = found.isEmpty ? Self.words(for: code) : found
      return (code, words)
    }
  }

  private func configure(
    _ request: HTTPRequest, _ context: UnsafeMutableRawPointer
  ) throws(HTTPFailure) {
    let seconds = max(1, Int(configuration.timeout / .seconds(1)))
    var codes = unsafe [
      ccurl_set_text(handle, CURLOPT_URL, request.url),
      ccurl_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https"),
      ccurl_set_text(handle, CURLOPT_CUSTOMREQUEST, request.method.rawValue),
      ccurl_set_long(handle, CURLOPT_NOSIGNAL, 1),
      ccurl_set_long(handle, CURLOPT_FORBID_REUSE, 1),
      ccurl_set_long(handle, CURLOPT_CONNECTTIMEOUT, seconds),
      // Fewer bytes than this a second, for so many seconds, is nothing.
      ccurl_set_long(handle, CURLOPT_LOW_SPEED_LIMIT, 1),
      ccurl_set_long(handle, CURLOPT_LOW_SPEED_TIME, seconds),
      ccurl_set_writer(handle, Transfer.write, context),
      ccurl_set_progress(handle, Transfer.progress, context),
    ]
    if let file = configuration.authorityFile {
      codes.append(unsafe ccurl_set_text(handle, CURLOPT_CAINFO, file))
    }
    if let failed = codes.first(where: { $0 != CURLE_OK }) {
      throw HTTPFailure(failed, words: Self.words(for: failed))
    }
  }

  /// - Parameter body: must outlive the transfer.
  private func setBody(_ body: UnsafeRawBufferPointer?) {
    guard let body = unsafe body else { return }
    // Sent from where it lies.
    unsafe ccurl_set_size(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
    unsafe ccurl_set_pointer(
      handle, CURLOPT_POSTFIELDS, UnsafeMutableRawPointer(mutating: body.baseAddress))
  }

  private static func words(for code: CURLcode) -> String {
    unsafe String(cString: curl_easy_strerror(code))
  }

  private var status: Int {
    var status = 0
    unsafe ccurl_get_status(handle, &status)
    return status
  }

  private var contentType: String {
    var type: UnsafeMutablePointer<CChar>?
    unsafe ccurl_get_content_type(handle, &type)
    guard let type = unsafe type else { return "" }
    let text = unsafe String(cString: type)
    return String(text.prefix { $0 != ";" && $0 != " " }).lowercased()
  }
}

extension [UInt8]? {
  fileprivate func withBytes<Result>(_ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
    guard let bytes = self else { return body(nil) }
    // Bytes of a request without any still have a place.
    guard !bytes.isEmpty else {
      var byte: UInt8 = 0
      return unsafe withUnsafeBytes(of: &byte) { unsafe body(.init(rebasing: $0[..<0])) }
    }
    return unsafe bytes.withUnsafeBytes { unsafe body($0) }
  }
}

/// What libcurl's callbacks work on.
private final class Transfer {
  private let longest: Int
  private let isCancelled: () -> Bool
  private(set) var bytes: [UInt8] = []

  init(longest: Int, isCancelled: @escaping () -> Bool) {
    self.longest = longest
    self.isCancelled = isCancelled
  }

  /// Takes bytes of the answer; none of what would make it too long.
  static let write: ccurl_transfer = { bytes, size, count, context in
    guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
    let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    let length = size * count
    guard transfer.bytes.count + length <= transfer.longest else { return 0 }
    unsafe transfer.bytes.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: length))
    return length
  }

  static let progress: ccurl_progress = { context, _, _, _, _ in
    guard let context = unsafe context else { return 0 }
    let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    return transfer.isCancelled() ? 1 : 0
  }
}

/// A request's headers as libcurl takes them.
@safe private struct HeaderList: ~Copyable {
  private(set) var first: UnsafeMutablePointer<curl_slist>?

  init(_ request: HTTPRequest) throws(HTTPFailure) {
    var lines = request.headers.map { "\($0.name): \($0.value)" }
    // No body waits for a "100 Continue".
    lines.append("Expect:")
    for line in lines {
      guard !line.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
        throw HTTPFailure(.other, "a header has a control character")
      }
      guard let longer = unsafe curl_slist_append(first, line) else {
        throw HTTPFailure(.other, "no memory for headers")
      }
      unsafe first = longer
    }
  }

  deinit { unsafe curl_slist_free_all(first) }
}

import CCurl

extension HTTPFailure {
  /// - Parameter words: what libcurl says about the transfer.
  init(_ code: CURLcode, words: String) {
    self.init(Self.reason(of: code, words), words)
  }

  private static func reason(of code: CURLcode, _ words: String) -> Reason {
    switch code {
    case CURLE_UNSUPPORTED_PROTOCOL where words.contains("HTTP/0.9"): .notHTTP
    case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: .notAnAddress
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .unknownHost
    case CURLE_COULDNT_CONNECT: .unreachable
    case CURLE_OPERATION_TIMEDOUT: .slow
    case CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_PARTIAL_FILE: .closed
    case CURLE_WEIRD_SERVER_REPLY, CURLE_HTTP2, CURLE_HTTP2_STREAM, CURLE_BAD_CONTENT_ENCODING:
      .notHTTP
    case CURLE_SSL_CACERT_BADFILE: .authorityFile
    case CURLE_PEER_FAILED_VERIFICATION: certificateReason(words)
    case CURLE_SSL_CONNECT_ERROR: .handshake
    case CURLE_ABORTED_BY_CALLBACK: .cancelled
    // Only our own writer refuses bytes.
    case CURLE_WRITE_ERROR: .tooLong
    default: .other
    }
  }

  /// OpenSSL's words tell what is wrong with a certificate.
  private static func certificateReason(_ words: String) -> Reason {
    if words.contains("subject name") || words.contains("does not match target") {
      return .otherName
    }
    return words.contains("expired") ? .expiredCertificate : .unknownAuthority
  }
}

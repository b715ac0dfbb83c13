package import HTTPClient

/// A call of MLflow that failed.
package struct MLflowError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Reason: Hashable, Sendable {
    /// There is no answer.
    case unanswered(HTTPFailure.Reason)
    /// It asks for a login, and none is configured.
    case loginMissing
    /// It does not accept the configured one.
    case loginWrong
    case forbidden
    /// It has a fault, or too much to do.
    case failing
    /// What answers is no MLflow.
    case notMLflow
    /// This MLflow does not have the call.
    case noSuchCall
    case absent
    case exists
    /// It does not take what was sent.
    case refused
    /// The experiment is deleted, and keeps its name.
    case experimentDeleted
    /// It does not take files for the place where the experiment's are kept.
    case artifactsElsewhere
    /// A configured secret can't be read.
    case secretFile
  }

  package var reason: Reason
  /// Names the server: `MLflow at http://localhost:5000`.
  package var place: String
  /// The server's own words, or libcurl's; may be empty.
  package var words: String

  package init(_ reason: Reason, at place: String, _ words: String = "") {
    self.reason = reason
    self.place = place
    self.words = Self.presentable(words)
  }

  /// As much as fits into a line, of which HTML is no part.
  private static func presentable(_ words: String) -> String {
    guard !words.contains("<") else { return "" }
    let line = words.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return line.count > 240 ? line.prefix(240) + "…" : line
  }

  /// What is wrong.
  package var summary: String {
    "\(place) \(complaint)" + (words.isEmpty ? "" : " (\(words))")
  }

  package var description: String { "\(summary): \(advice)" }

  /// Whether all other calls fail as well, until somebody does something or some time has passed.
  package var concernsAll: Bool {
    switch reason {
    case .absent, .exists, .refused, .noSuchCall, .artifactsElsewhere: false
    default: true
    }
  }

  /// Whether the server is away or at fault, and nothing is known to be wrong with the settings.
  package var isAbsence: Bool {
    switch reason {
    case .failing, .unanswered(.unreachable), .unanswered(.slow), .unanswered(.closed): true
    default: false
    }
  }

  /// Whether the caller itself ended the call.
  package var isCancelled: Bool { reason == .unanswered(.cancelled) }

  private var complaint: String {
    switch reason {
    case .unanswered(let reason): Self.complaint(reason)
    case .loginMissing: "asks for a login"
    case .loginWrong: "does not accept the configured login"
    case .forbidden: "does not allow this client what it asks for"
    case .failing: "answers with an error"
    case .notMLflow: "answers, but not as MLflow does"
    case .noSuchCall: "does not have this call"
    case .absent: "does not have what was asked for"
    case .exists: "already has what was to be made"
    case .refused: "refuses what was sent"
    case .experimentDeleted: "has the experiment, but deleted"
    case .artifactsElsewhere: "does not take the experiment's files"
    case .secretFile: "can't be asked: a file with a secret can't be read"
    }
  }

  private static func complaint(_ reason: HTTPFailure.Reason) -> String {
    switch reason {
    case .notAnAddress: "has no valid address"
    case .unknownHost: "can't be found: the name of its host is unknown"
    case .unreachable: "can't be reached"
    case .slow: "does not answer in time"
    case .closed: "closes the connection without an answer"
    case .notHTTP: "does not speak HTTP"
    case .tooLong: "gives an answer that is too long"
    case .unknownAuthority: "has a certificate that no trusted authority has signed"
    case .otherName: "has a certificate of another name"
    case .expiredCertificate: "has a certificate that has expired"
    case .authorityFile: "can't be asked: the file of trusted authorities is not readable as PEM"
    case .handshake: "can't be spoken to by TLS"
    case .cancelled: "was no longer waited for"
    case .other: "can't be asked"
    }
  }

  /// What to do about it.
  package var advice: String {
    switch reason {
    case .unanswered(let reason): Self.advice(reason)
    case .loginMissing:
      "set mlflow.token, or mlflow.username and mlflow.password, each also as a file"
    case .loginWrong: "correct mlflow.token, or mlflow.username and mlflow.password"
    case .forbidden:
      "give this user the right to edit the experiment and the model; a host name that is refused"
        + " belongs in --allowed-hosts of the server"
    case .failing: "see the server's log; what was missed is sent later"
    case .notMLflow: "correct mlflow.tracking_uri"
    case .noSuchCall: "use an MLflow of 2.x or 3.x"
    case .absent, .exists: "it is tried again with the next look"
    case .refused: "see the server's log"
    case .experimentDeleted:
      "restore it with `mlflow experiments restore`, or set mlflow.experiment to another name"
    case .artifactsElsewhere:
      "start the server with --serve-artifacts, and set mlflow.experiment to a new name: an"
        + " experiment's place never changes"
    case .secretFile: "correct mlflow.token_file or mlflow.password_file, or its rights"
    }
  }

  private static func advice(_ reason: HTTPFailure.Reason) -> String {
    switch reason {
    case .notAnAddress: "set mlflow.tracking_uri to http://HOST:PORT or https://HOST:PORT"
    case .unknownHost: "correct the host in mlflow.tracking_uri"
    case .unreachable: "start it, or correct mlflow.tracking_uri"
    case .slow: "see the server's load, or raise mlflow.timeout_ms"
    case .closed, .notHTTP:
      "see the server's log; a server with TLS needs https:// in mlflow.tracking_uri"
    case .tooLong: "correct mlflow.tracking_uri"
    case .unknownAuthority: "set mlflow.ca_file to the certificate of the authority that signed it"
    case .otherName: "use a name that the certificate has in mlflow.tracking_uri"
    case .expiredCertificate: "renew the server's certificate"
    case .authorityFile: "set mlflow.ca_file to a readable file of certificates in PEM"
    case .handshake: "a server without TLS needs http:// in mlflow.tracking_uri"
    case .cancelled, .other: "see the words in parentheses"
    }
  }
}

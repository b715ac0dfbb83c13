/// Why a broker's certificate is refused, by OpenSSL's number (`X509_V_ERR_…` in x509_vfy.h).
/// librdkafka 2.0 says the same of all of them.
enum CertificateProblem: Int32, CaseIterable {
  case unknown = 1
  case noIssuer = 2
  case notYetValid = 9
  case expired = 10
  case selfSigned = 18
  case selfSignedInChain = 19
  case issuerNotLocal = 20
  case notVerifiable = 21
  case revoked = 23
  case invalidAuthority = 24
  case wrongPurpose = 26
  case hostMismatch = 62
  case addressMismatch = 64

  init(_ reason: String) {
    self = Self.allCases.first { $0.reason == reason } ?? .unknown
  }

  var reason: String {
    switch self {
    case .unknown: "it can't be verified"
    case .noIssuer, .issuerNotLocal, .notVerifiable: "its issuer is not known"
    case .notYetValid: "it is not valid yet"
    case .expired: "it has expired"
    case .selfSigned: "it is signed by itself, and not known"
    case .selfSignedInChain: "the authority at its root is not known"
    case .revoked: "it was revoked"
    case .invalidAuthority: "its issuer is no authority"
    case .wrongPurpose: "it is not made for servers"
    case .hostMismatch: "it was issued for another host name"
    case .addressMismatch: "it was issued for another address"
    }
  }

  var advice: String {
    switch self {
    case .expired, .notYetValid, .revoked:
      "give the broker a valid certificate, and check the clocks"
    case .hostMismatch, .addressMismatch:
      "name the broker in kafka.bootstrap.servers as its certificate does, or give it one with this"
        + " name"
    case .wrongPurpose: "give the broker a certificate for servers"
    case .unknown, .noIssuer, .selfSigned, .selfSignedInChain, .issuerNotLocal, .notVerifiable,
      .invalidAuthority:
      "set kafka.ssl.ca.location to the certificate of the authority that has signed it"
    }
  }

  /// A callback's answer to OpenSSL's verdict on a certificate, which it leaves as it is.
  static func reason(ofError number: Int32) -> String? {
    number == 0 ? nil : (CertificateProblem(rawValue: number) ?? .unknown).reason
  }
}

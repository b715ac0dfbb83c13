import CRdkafka
import Glibc

/// librdkafka's configuration properties, as this machine's version knows them.
public enum KafkaProperties {
  /// Why a property can't be set.
  public enum Fault: Hashable, Sendable {
    case unknown
    /// The commit protocol depends on it.
    case reserved
    /// The members of groups are known by it.
    case name
    /// An entry of `bootstrap.servers` that is no address.
    case noAddress(String)
    /// In librdkafka's own words.
    case invalid(String)
  }

  /// - Returns: `nil` if the property takes the value.
  public static func fault(of name: String, _ value: String) -> Fault? {
    if KafkaSettings.reserved.contains(name) { return .reserved }
    if KafkaSettings.names.contains(name) { return .name }
    if name == "bootstrap.servers", let entry = BrokerAddress.firstFault(in: value) {
      return .noAddress(entry)
    }
    let conf = unsafe rd_kafka_conf_new()
    defer { unsafe rd_kafka_conf_destroy(conf) }
    var result = RD_KAFKA_CONF_OK
    let message = unsafe withErrorText { text, size in
      result = unsafe rd_kafka_conf_set(conf, name, value, text, size)
    }
    return switch result {
    case RD_KAFKA_CONF_OK: nil
    case RD_KAFKA_CONF_UNKNOWN: .unknown
    default: .invalid(message)
    }
  }

  /// The protocol in front of a server that is not the one to speak, with which librdkafka has no
  /// such server, and says so in its log only.
  public static func otherProtocol(in servers: String, than spoken: String?) -> String? {
    BrokerAddress.otherProtocol(in: servers, than: spoken ?? "PLAINTEXT")
  }

  /// The names of all properties, other names of the same ones included.
  ///
  /// They are the first column of the table that librdkafka prints: `rd_kafka_conf_dump` leaves
  /// those out that have no value.
  public static let names: [String] = {
    var buffer: UnsafeMutablePointer<CChar>?
    var size = 0
    guard let stream = unsafe open_memstream(&buffer, &size) else { return [] }
    unsafe rd_kafka_conf_properties_show(stream)
    unsafe fclose(stream)
    defer { unsafe free(buffer) }
    guard let buffer = unsafe buffer else { return [] }
    let table = unsafe String(cString: buffer)
    return table.split(separator: "\n").compactMap { line in
      let cells = line.split(separator: "|", omittingEmptySubsequences: false)
      guard cells.count > 2 else { return nil }
      let name = cells[0].filter { $0 != " " }
      let isName = name.contains(".") && name.allSatisfy { $0.isLetter || $0 == "." || $0 == "_" }
      return isName ? name : nil
    }
  }()
}

import Console
package import Foundation
import LMDBStore
import StateStore

/// What a copy of a store is of: `manifest.json` next to it.
package struct CopyManifest: Codable, Hashable {
  static let fileName = "manifest.json"

  var application: String
  package var stage: String
  package var partition: Int32
  /// The first changelog record that is not in the copy.
  package var changelogOffset: Int64
  /// The first input record that is not in it.
  package var inputOffset: Int64?
  var formatVersion: UInt32
  /// Of the log that the store is of; `nil` where neither the store nor a broker tells.
  var clusterID: String?
  /// The topic that the state is computed from, and how many partitions it had; `nil` in copies
  /// that an earlier version made.
  var input: String?
  var partitions: Int32?
  /// The identity of the changelog partition.
  var changelogIdentity: String?
  package var takenAt: Date

  func write(to directory: String) throws(StoreError) {
    let path = "\(directory)/\(Self.fileName)"
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      encoder.keyEncodingStrategy = .convertToSnakeCase
      encoder.dateEncodingStrategy = .iso8601
      try encoder.encode(self).write(to: URL(filePath: path))
    } catch {
      throw StoreError("can't write \(path): \(error.localizedDescription)", remedy: .stop)
    }
  }

  static func read(_ directory: String) throws(CommandFailure) -> CopyManifest {
    let path = "\(directory)/\(fileName)"
    do {
      let decoder = JSONDecoder()
      decoder.dateDecodingStrategy = .iso8601
      decoder.keyDecodingStrategy = .custom { PropertyKey(stringValue: $0.last?.stringValue ?? "") }
      return try decoder.decode(Self.self, from: try Data(contentsOf: URL(filePath: path)))
    } catch {
      throw CommandFailure(
        .failure, "\(path) can't be read: it was not made by `state snapshot` (\(error))")
    }
  }

  /// The property that a key stands for. Earlier versions wrote the properties' names as they are.
  private struct PropertyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) {
      let words = stringValue.split(separator: "_")
      self.stringValue = words.dropFirst().reduce(String(words.first ?? "")) { name, word in
        name + (word == "id" ? "ID" : word.capitalized)
      }
    }

    init?(intValue: Int) { nil }
  }

  /// Why the copy is not this place's; `nil` when it is.
  func mismatch(_ place: StorePlace, application: String, clusterID: String?) -> String? {
    if stage != place.stage || partition != place.partition {
      return "it is a copy of \(stage)[\(partition)]"
    }
    if self.application != application {
      return "it is a copy of the application \(self.application), not \(application)"
    }
    if formatVersion != LMDBStorage.formatVersion {
      return "it has format version \(formatVersion), and this program reads "
        + "\(LMDBStorage.formatVersion)"
    }
    if let clusterID, let own = self.clusterID, own != clusterID {
      return "it is a copy of the cluster \(own), and the configured one is \(clusterID)"
    }
    return nil
  }
}

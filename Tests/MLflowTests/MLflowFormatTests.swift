import Codecs
import Foundation
import HTTPClient
import Recommender
import Testing

@testable import MLflow

@Suite struct MLflowFormatTests {
  /// FIPS 180-4's examples, and lengths around a block.
  @Test func digestsAreThoseOfTheStandard() {
    #expect(
      SHA256.hex(of: Array("abc".utf8))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      SHA256.hex(of: [])
        == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      SHA256.hex(of: Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8))
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(
      SHA256.hex(of: Array(repeating: UInt8(ascii: "a"), count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func arraysBeginAtAMultipleOf64() throws {
    let bytes = NumPyArray.file([Float(1), 2, 3, 4, 5, 6][...], columns: 3)
    #expect(Array(bytes[..<8]) == [0x93] + Array("NUMPY".utf8) + [1, 0])
    let length = Int(bytes[8]) + Int(bytes[9]) << 8
    #expect((10 + length).isMultiple(of: 64))
    let header = String(decoding: bytes[10..<10 + length], as: UTF8.self)
    #expect(header.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"))
    #expect(header.hasSuffix("\n"))
    #expect(bytes.count == 10 + length + 24)
    #expect(Array(bytes.suffix(4)) == [0, 0, 0xc0, 0x40])
    let empty = NumPyArray.file([Int64]()[...])
    #expect(String(decoding: empty, as: UTF8.self).contains("'shape': (0,)"))
  }

  @Test func noFileIsLargerThanTheLimitAndTogetherTheyAreTheModel() throws {
    let model = LogOfModels.model(1, movies: 200, factors: 8).model
    let artifact = ModelArtifact(model, run: "r", milliseconds: 0, titles: [:], limit: 1_000)
    let files = Dictionary(uniqueKeysWithValues: artifact.files.map { ($0.path, $0.bytes()) })
    let pieces = files.keys.filter { $0.hasPrefix("data/factors-") }.sorted()
    #expect(pieces.count == 8)
    #expect(pieces.allSatisfy { files[$0, default: []].count <= 1_000 })
    let numbers = pieces.flatMap { files[$0, default: []].dropFirst(128) }
    #expect(numbers == model.factors.withUnsafeBytes { Array($0) })
    #expect(artifact.files.last?.path == "MLmodel")
    let manifest = try #require(files["manifest.json"])
    let parsed =
      try JSONSerialization.jsonObject(with: Data(manifest)) as? [String: [[String: Any]]]
    for entry in try #require(parsed?["files"]) {
      let bytes = try #require(files[entry["path"] as? String ?? ""])
      #expect(entry["bytes"] as? Int == bytes.count)
      #expect(entry["sha256"] as? String == SHA256.hex(of: bytes))
    }
    let lists = String(decoding: try #require(files["lists.json"]), as: UTF8.self)
    #expect(lists.contains(#""movie_id":6,"score":0.25"#))
    #expect(files["code/projectionist_model.py"]?.isEmpty == false)
  }

  @Test func namesAndCredentialsAreEncoded() throws {
    let call = MLflowCall.experiment(named: "Film & Serie/ä")
    #expect(call.path.hasSuffix("get-by-name?experiment_name=Film%20%26%20Serie%2F%C3%A4"))
    var target = MLflowTarget(
      uri: "https://h:1/base//", experiment: "e", model: "m", application: "a")
    #expect(call.request(to: target).url.hasPrefix("https://h:1/base/api/2.0/mlflow/experiments"))
    #expect(call.request(to: target).headers.allSatisfy { $0.name != "Authorization" })
    target.credentials = .login(user: "Aladdin", password: "open sesame")
    #expect(
      call.request(to: target).headers.contains(
        .init("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")))
    target.credentials = .token("t")
    #expect(call.request(to: target).headers.contains(.init("Authorization", "Bearer t")))
  }

  @Test func batchesFitTheLimitsAndTagsComeLast() {
    let metrics = (0..<2_000).map {
      MLflowMetric(key: "m", value: 0, milliseconds: 0, step: Int64($0))
    }
    let tags = (0..<95).map { MLflowTag("t\($0)", "v") }
    let pieces = MLflowBatch(parameters: tags, metrics: metrics, tags: tags).pieces
    #expect(pieces.allSatisfy { $0.metrics.count <= 1_000 && $0.tags.count <= 100 })
    #expect(pieces.allSatisfy { $0.parameters.count <= 100 })
    #expect(pieces.flatMap(\.metrics) == metrics && pieces.flatMap(\.parameters) == tags)
    #expect(pieces.flatMap(\.tags) == tags && pieces.last?.tags.last == tags.last)
    let small = MLflowBatch(
      parameters: [tags[0]], metrics: [metrics[0]], tags: [tags[1]])
    #expect(small.pieces == [small])
  }

  @Test(arguments: [
    (401, #"{"error_code":"UNAUTHENTICATED"}"#, MLflowError.Reason.loginMissing),
    (401, "You are not authenticated.", .loginMissing), (403, "Invalid Host header", .forbidden),
    (404, #"{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"no"}"#, .absent),
    (400, #"{"error_code":"RESOURCE_ALREADY_EXISTS","message":"x"}"#, .exists),
    (404, "<html>", .noSuchCall), (302, "", .notMLflow), (200, "<html>", .notMLflow),
    (200, "[]", .notMLflow), (200, "{}", .notMLflow), (200, "", .notMLflow),
    (500, "<h1>Fault</h1>", .failing), (503, "", .failing), (429, "slow down", .failing),
    (400, #"{"error_code":"INVALID_PARAMETER_VALUE","message":"bad"}"#, .refused),
  ])
  func answersHaveReasons(status: Int, body: String, reason: MLflowError.Reason) {
    let target = MLflowTarget(uri: "http://h", experiment: "e", model: "m", application: "a")
    let response = HTTPResponse(status: status, contentType: "", body: Array(body.utf8))
    do throws(MLflowError) {
      let _: MLflowReplies.ExperimentFound = try MLflowClient.read(response, target)
      Issue.record("taken for an answer")
    } catch {
      #expect(error.reason == reason)
      #expect(!error.advice.isEmpty && !error.description.contains("<"))
    }
  }

  /// Records come in any order, as to those who serve; only complete models are there.
  @Test func theLedgerKnowsWhatTheAssemblerKnows() {
    var random = SystemRandomNumberGenerator()
    for number in 0..<20 {
      let model = LogOfModels.model(number, movies: 4_000, factors: 64)
      #expect(model.parts.count > 1)
      var records: [(key: [UInt8], value: [UInt8]?)] = []
      model.forEachRecord { key, value in
        records.append((Array(key.text.utf8), value.withUnsafeBytes { Array($0) }))
      }
      records.append((Array("\(model.model.version)/0".utf8), [1, 2, 3]))
      if number % 3 == 0 { records.append((Array(model.model.version.utf8), nil)) }
      records.shuffle(using: &random)
      var ledger = ModelLedger()
      var assembler = ModelAssembler()
      for (key, value) in records {
        if let value {
          ledger.take(key: key.span.bytes, value: value.span.bytes, milliseconds: 5)
          _ = assembler.take(key: key.span.bytes, value: value.span.bytes)
        } else {
          ledger.take(key: key.span.bytes, value: nil, milliseconds: 5)
          _ = assembler.take(key: key.span.bytes, value: nil)
        }
        #expect(Set(ledger.models.keys) == Set(assembler.models.keys))
      }
    }
  }
}

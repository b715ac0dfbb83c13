import Codecs
import Foundation
import HTTPClient
import Recommender
import Testing

@testable import MLflow

@Suite struct MLflowSyncTests {
  /// What the looks of a test say.
  private final class Diary {
    var news: [MLflowNews] = []
  }

  private func makeSync(_ server: FakeMLflow, _ diary: Diary = Diary()) throws -> MLflowSync {
    MLflowSync(
      try MLflowClient(server.target, HTTPConfiguration(timeout: .seconds(20))), fileLimit: 700
    ) { diary.news.append($0) }
  }

  private func makeLog(_ count: Int) -> (log: LogOfModels, versions: [String]) {
    var log = LogOfModels()
    let models = (0..<count).map { LogOfModels.model($0) }
    for model in models { log.publish(model) }
    return (log, models.map(\.model.version))
  }

  @Test func everyModelIsARunAndAVersionAndAliasesFollow() throws {
    let server = try FakeMLflow()
    var (log, versions) = makeLog(3)
    log.give(.serving, to: versions[0])
    log.give(.candidate, to: versions[2])
    var sync = try makeSync(server)
    try sync.look(at: log.ledger, log.source)
    let state = server.read { $0 }
    #expect(state.versions.map { $0.tags[MLflowTag.version] } == versions)
    #expect(state.aliases == ["serving": 1, "candidate": 3])
    #expect(state.runs.count == 3)
    for version in state.versions {
      let run = try #require(state.runs[version.run])
      #expect(run.status == "FINISHED")
      #expect(run.parameters["factors"] == "4")
      #expect(run.metrics.contains("loss 1 0.5") && run.metrics.contains("loss 2 0.25"))
      #expect(run.tags["projectionist.trained_to"]?.hasSuffix(",1:5") == true)
      #expect(version.source == "mlflow-artifacts:/1/\(version.run)/artifacts/model")
      let files = state.files.filter { $0.key.hasPrefix("1/\(version.run)/artifacts/model/") }
      #expect(files.values.allSatisfy { $0.count <= 12_000 })
      #expect(files.keys.contains { $0.hasSuffix("/MLmodel") })
    }
    log.give(.serving, to: versions[2])
    log.give(.candidate, to: nil)
    log.give(.shadow, to: versions[1])
    try sync.look(at: log.ledger, log.source)
    #expect(server.read { $0.aliases } == ["serving": 3, "shadow": 2])
  }

  /// A connection that ends before or after any call leaves nothing twice and nothing out.
  @Test(arguments: [true, false]) func whatIsInterruptedAnywhereIsFinishedOnce(isBefore: Bool)
    throws
  {
    var (log, versions) = makeLog(2)
    log.give(.serving, to: versions[1])
    let whole = try FakeMLflow()
    var once = try makeSync(whole)
    try once.look(at: log.ledger, log.source)
    let wanted = whole.read { $0 }
    #expect(wanted.calls > 40)
    for call in 1...wanted.calls {
      let server = try FakeMLflow()
      server.change { if isBefore { $0.failsBefore = [call] } else { $0.failsAfter = [call] } }
      var first = try makeSync(server)
      #expect(throws: MLflowError.self, "call \(call)") {
        try first.look(at: log.ledger, log.source)
      }
      // Another process goes on.
      var second = try makeSync(server)
      try second.look(at: log.ledger, log.source)
      try second.look(at: log.ledger, log.source)
      let state = server.read { $0 }
      #expect(state.experiments == wanted.experiments)
      let haveSameFiles = state.files == wanted.files
      #expect(haveSameFiles, "call \(call)")
      #expect(state.runs == wanted.runs, "call \(call)")
      #expect(state.versions == wanted.versions, "call \(call)")
      #expect(state.aliases == wanted.aliases, "call \(call)")
    }
  }

  @Test func whatIsThereIsNotSentAgain() throws {
    let server = try FakeMLflow()
    var (log, versions) = makeLog(2)
    log.give(.serving, to: versions[0])
    let diary = Diary()
    var sync = try makeSync(server, diary)
    try sync.look(at: log.ledger, log.source)
    let news = diary.news.count
    let calls = server.read { $0.calls }
    try sync.look(at: log.ledger, log.source)
    #expect(server.read { $0.calls } <= calls + 3)
    #expect(diary.news.count == news)
  }

  @Test func anAliasThatIsMovedByHandIsPutBackWithALine() throws {
    let server = try FakeMLflow()
    var (log, versions) = makeLog(2)
    log.give(.serving, to: versions[0])
    let diary = Diary()
    var sync = try makeSync(server, diary)
    try sync.look(at: log.ledger, log.source)
    #expect(diary.news.last == .moved(.serving, to: 1, version: versions[0]))
    server.change { $0.aliases["serving"] = 2 }
    try sync.look(at: log.ledger, log.source)
    let line = try #require(diary.news.last)
    #expect(line == .putBack(.serving, from: 2, to: 1, version: versions[0]))
    #expect(line.isWarning && line.message.contains("projectionist models promote"))
    #expect(server.read { $0.aliases } == ["serving": 1])
    server.change { $0.aliases = ["serving": 1, "shadow": 2] }
    try sync.look(at: log.ledger, log.source)
    #expect(diary.news.last == .putBack(.shadow, from: 2, to: nil, version: nil))
    #expect(server.read { $0.aliases } == ["serving": 1])
    server.change { $0.aliases = ["somebody's": 2] }
    try sync.look(at: log.ledger, log.source)
    #expect(server.read { $0.aliases } == ["serving": 1, "somebody's": 2])
  }

  @Test func tagsStandForAliasesWhereThereAreNone() throws {
    let server = try FakeMLflow()
    server.change { $0.hasAliases = false }
    var (log, versions) = makeLog(2)
    log.give(.serving, to: versions[0])
    let diary = Diary()
    var sync = try makeSync(server, diary)
    func tagged() -> [Int] {
      server.read { state in
        state.versions.filter { $0.tags["projectionist.alias.serving"] != nil }.map(\.number)
      }
    }
    try sync.look(at: log.ledger, log.source)
    #expect(tagged() == [1])
    #expect(diary.news.filter { $0 == .noAliases }.count == 1)
    log.give(.serving, to: versions[1])
    try sync.look(at: log.ledger, log.source)
    #expect(tagged() == [2])
    log.give(.serving, to: nil)
    try sync.look(at: log.ledger, log.source)
    #expect(tagged().isEmpty)
  }

  @Test func aVersionThatIsNotReadyHasNoAliasYet() throws {
    let server = try FakeMLflow()
    server.change { $0.status = "PENDING_REGISTRATION" }
    var (log, versions) = makeLog(1)
    log.give(.serving, to: versions[0])
    var sync = try makeSync(server)
    try sync.look(at: log.ledger, log.source)
    #expect(server.read { $0.aliases.isEmpty })
    server.change { $0.versions[0].status = "READY" }
    try sync.look(at: log.ledger, log.source)
    #expect(server.read { $0.aliases } == ["serving": 1])
  }

  @Test func deletedModelsStayAsHistoryAndVerdictsAreShown() throws {
    let server = try FakeMLflow()
    var (log, versions) = makeLog(2)
    log.put("\(versions[1])/verdict", #"{"reason":"no better"}"#)
    var sync = try makeSync(server)
    try sync.look(at: log.ledger, log.source)
    log.put(versions[0], nil)
    try sync.look(at: log.ledger, log.source)
    let tags = server.read { $0.versions.map(\.tags) }
    #expect(tags[0][MLflowTag.deleted] == "true" && tags[1][MLflowTag.deleted] == nil)
    #expect(tags[1][MLflowTag.verdict] == "no better")
  }

  @Test func aModelThatWasDeletedBeforeIsARunAlone() throws {
    let server = try FakeMLflow()
    var log = LogOfModels()
    let model = LogOfModels.model(3)
    let version = model.model.version
    log.publish(model)
    log.put(version, nil)
    var writer = JSONWriter()
    model.model.metadata.write(to: &writer)
    log.put("\(version)/recipe", String(decoding: writer.copyBytes(), as: UTF8.self))
    var sync = try makeSync(server)
    try sync.look(at: log.ledger, log.source)
    let calls = server.read { $0.calls }
    try sync.look(at: log.ledger, log.source)
    let state = server.read { $0 }
    #expect(state.calls <= calls + 3)
    #expect(state.versions.isEmpty && state.files.isEmpty && state.runs.count == 1)
    let run = try #require(state.runs.values.first)
    #expect(run.status == "FINISHED" && run.tags[MLflowTag.version] == version)
    #expect(run.parameters["factors"] == "4")
  }

  @Test func secondCopiesOfTwoSendersGo() throws {
    let server = try FakeMLflow()
    let (log, versions) = makeLog(1)
    var sync = try makeSync(server)
    try sync.look(at: log.ledger, log.source)
    server.change { state in
      var copy = state.versions[0]
      copy.number = 2
      var others = copy
      others.number = 3
      others.tags[MLflowTag.application] = "another"
      state.versions += [copy, others]
    }
    try sync.look(at: log.ledger, log.source)
    #expect(server.read { $0.versions.map(\.number) } == [1, 3])
    #expect(server.read { $0.versions[0].tags[MLflowTag.version] } == versions[0])
  }

  @Test func filesKeptElsewhereAreSaidOnceAndStopNothingElse() throws {
    let server = try FakeMLflow()
    server.change { $0.root = "s3://bucket/" }
    let (log, versions) = makeLog(1)
    let diary = Diary()
    var sync = try makeSync(server, diary)
    try sync.look(at: log.ledger, log.source)
    try sync.look(at: log.ledger, log.source)
    guard case .failed(versions[0], let error) = diary.news.first else {
      Issue.record("\(diary.news)")
      return
    }
    #expect(error.reason == .artifactsElsewhere && error.words.contains("s3://bucket"))
    #expect(diary.news.count == 1)
    #expect(server.read { $0.runs.values.first?.parameters["factors"] } == "4")
  }

  @Test(arguments: [
    (FakeMLflow.Answer.html, MLflowError.Reason.notMLflow), (.error, .failing),
    (.nothing, .unanswered(.closed)),
  ])
  func aBadServerIsAFailureAndItsRecoveryASuccess(
    answer: FakeMLflow.Answer, reason: MLflowError.Reason
  ) throws {
    let server = try FakeMLflow()
    server.change { $0.answer = answer }
    let (log, versions) = makeLog(1)
    var sync = try makeSync(server)
    do throws(MLflowError) {
      try sync.look(at: log.ledger, log.source)
      Issue.record("it is taken for MLflow")
    } catch {
      #expect(error.reason == reason)
      #expect(!error.description.contains("<") && !error.description.contains("\n"))
    }
    server.change { $0.answer = nil }
    try sync.look(at: log.ledger, log.source)
    #expect(server.read { $0.versions.map { $0.tags[MLflowTag.version] } } == versions)
  }
}

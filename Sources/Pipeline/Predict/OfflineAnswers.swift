import Codecs
import Ratings
public import Recommender
public import StateStore
public import Streams

/// Does what the predict stage does with a batch of requests, but without a log: decodes them,
/// reads their users' state, answers with a model, and encodes the replies. For benchmarks. Belongs
/// to one thread.
public struct OfflineAnswers<Store: StateStore>: ~Copyable {
  private let model: ServingModel
  private let moment: Int64
  private let catalog: FixedCatalog
  private let ranking = PopularityRanking()
  private var view: UserStateView<Store>
  private var parser = RequestParser()
  private var batch = RequestBatch<Void>()
  private var rankers = ModelRankers()
  private var value = JSONWriter(capacity: 4096)

  /// - Parameters:
  ///   - store: of the user stage.
  ///   - moment: when all requests are made, in milliseconds since 1970.
  ///   - movies: the catalog.
  public init(
    _ store: Store, model: FactorModel, moment: Int64, movies: [MovieRecord]
  ) throws(StageError) {
    do throws(StoreError) { view = UserStateView(try store.snapshot()) } catch {
      throw .store(error)
    }
    self.model = ServingModel(model)
    self.moment = moment
    catalog = FixedCatalog(movies)
  }

  /// Answers a batch.
  ///
  /// - Parameters:
  ///   - requests: the values of its records.
  ///   - body: gets the value of each reply.
  /// - Returns: how many got a personal answer.
  public mutating func answer(_ requests: [[UInt8]], _ body: (RawSpan) -> Void)
    throws(StageError) -> Int
  {
    batch.removeAll()
    for bytes in requests {
      let request: RecommendationRequest
      do throws(RequestError) { request = try parser.parse(bytes.span.bytes) } catch { continue }
      _ = try batch.add(
        request, received: .now, moment: moment, model: model, from: &view, to: ())
    }
    view.release()
    var open = RequestBatch<Void>()
    swap(&open, &batch)
    let answered = open.scored(by: &rankers, catalog).answered(by: ranking, catalog)
    var personal = 0
    for index in answered.indices {
      let reply = answered.reply(to: index, catalog, now: .now)
      if reply.strategy == .personal { personal += 1 }
      value.removeAll()
      reply.write(to: &value)
      body(value.bytes)
    }
    batch = answered.emptied(&rankers)
    return personal
  }
}

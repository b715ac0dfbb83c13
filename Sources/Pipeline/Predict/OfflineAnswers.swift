import Codecs
import Ratings
public import Recommender
public import StateStore
public import Streams

/// What the predict stage does with a batch of requests, without a log: decodes them, reads their
/// users' state, answers with a model, and encodes the replies. For measuring. Belongs to one thread.
public struct OfflineAnswers<Store: StateStore>: ~Copyable {
  private let model: ServingModel
  private let catalog: RecordedCatalog
  private let ranking = PopularityRanking()
  private var working: PredictWorking<Store>
  private var parser = RequestParser()
  private var batch = AnswerBatch()
  private var value = JSONWriter(capacity: 4096)

  /// - Parameters:
  ///   - store: of the user stage.
  ///   - movies: the catalog.
  public init(_ store: Store, model: FactorModel, movies: [MovieRecord]) throws(StageError) {
    do throws(StoreError) { working = PredictWorking(try store.snapshot()) } catch {
      throw .store(error)
    }
    self.model = ServingModel(model)
    catalog = RecordedCatalog(movies)
  }

  /// Answers a batch.
  ///
  /// - Parameters:
  ///   - requests: the values of its records.
  ///   - body: is handed the value of each reply.
  /// - Returns: how many got a personal answer.
  public mutating func answer(_ requests: [[UInt8]], _ body: (RawSpan) -> Void)
    throws(StageError) -> Int
  {
    batch.removeAll()
    for bytes in requests {
      let request: RecommendationRequest
      do throws(RequestError) { request = try parser.parse(bytes.span.bytes) } catch { continue }
      guard let state = try working.read(request.user, into: &batch.ratings) else { continue }
      batch.questions.append(
        Question(request: request, received: .now, state: state, model: model))
    }
    working.release()
    if !batch.answerPersonally(catalog) { batch.answerPopularly(ranking, catalog) }
    var personal = 0
    for index in batch.questions.indices {
      let reply = batch.reply(index, catalog: catalog, now: .now)
      if reply.strategy == .personal { personal += 1 }
      value.removeAll()
      reply.write(to: &value)
      body(value.bytes)
    }
    return personal
  }
}

/// A catalog that does not change.
struct RecordedCatalog: Catalog {
  private let movies: [Int64: MovieRecord]
  private let sets: [Int64: GenreSet]
  private let index: GenreIndex
  let version = 0

  init(_ records: [MovieRecord]) {
    var index = GenreIndex()
    movies = Dictionary(records.map { ($0.movie, $0) }) { $1 }
    sets = movies.mapValues { index.number($0.genres) }
    self.index = index
  }

  subscript(movie: Int64) -> MovieRecord? { movies[movie] }
  func genreSet(of movie: Int64) -> GenreSet { sets[movie] ?? GenreSet() }
  func genreSet(named names: [String]) -> GenreSet { index.find(names) }
}

public import Codecs
public import Ratings
public import Streams

extension TableDeclaration {
  /// Writes a stored value as JSON; one that can't be decoded as
  /// `{"undecodable":"why","bytes":"0x…"}`.
  ///
  /// - Parameter genres: the names of the numbers in the store's values.
  public func write(
    _ value: RawSpan, genres: borrowing GenreDictionary, to writer: inout JSONWriter
  ) {
    // Decoded before anything is written, so that a failure leaves no half of it.
    do throws(CodecError) {
      switch values {
      case .position: Self.writePosition(value, &writer)
      case .source: Self.writeSource(value, &writer)
      case .genres: Self.write(try GenreDictionary(decoding: value), &writer)
      case .retractions: Self.write(try Retractions(decoding: value), &writer)
      case .keptOut: Self.write(try KeptOut(decoding: value), genres, &writer)
      case .refold: Self.write(try RefoldProgress(decoding: value), &writer)
      case .userRating: Self.write(try UserRating(decoding: value), genres, &writer)
      case .userAggregate: Self.write(try UserAggregate(decoding: value), genres, &writer)
      case .movieAggregate: Self.write(try MovieAggregate(decoding: value), &writer)
      case .times:
        var entries: [TimeJournal.Entry] = []
        try TimeJournal.forEach(in: value) { entries.append($0) }
        Self.write(entries, &writer)
      case .takeBacks: writer.integer(try TakeBackCount(decoding: value).count)
      default:
        Self.writeUndecodable(value, "values of the kind \(values.name) are not known", &writer)
      }
    } catch {
      Self.writeUndecodable(value, error.message, &writer)
    }
  }

  private static func writeUndecodable(
    _ value: RawSpan, _ why: String, _ writer: inout JSONWriter
  ) {
    writer.beginObject()
    writer.key("undecodable")
    writer.string(why)
    writer.key("bytes")
    writer.string(value.hexadecimal)
    writer.endObject()
  }

  private static func writePosition(_ value: RawSpan, _ writer: inout JSONWriter) {
    guard let offset = InputPosition.offset(in: value) else {
      if let origin = StoreOrigin(decoding: value) { return write(origin, &writer) }
      return writeUndecodable(value, "it is no position of this version", &writer)
    }
    writer.beginObject()
    writer.key("input_offset")
    writer.integer(offset)
    writer.endObject()
  }

  private static func write(_ origin: StoreOrigin, _ writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("cluster")
    writer.string(origin.cluster)
    writer.key("application")
    writer.string(origin.application)
    writer.key("input")
    writer.string(origin.input)
    writer.key("partitions")
    writer.integer(origin.partitions)
    if let changelog = origin.changelog {
      writer.key("changelog_identity")
      writer.string(changelog.text)
    }
    writer.endObject()
  }

  private static func writeSource(_ value: RawSpan, _ writer: inout JSONWriter) {
    let position: SourcePosition
    do throws(SourcePosition.UnknownFormat) { position = try SourcePosition(decoding: value) } catch
    {
      return writeUndecodable(value, error.description, &writer)
    }
    writer.beginObject()
    writer.key("offset")
    writer.integer(position.offset)
    writer.key("timestamp_ms")
    writer.integer(position.timestamp)
    writer.endObject()
  }

  private static func write(_ genres: borrowing GenreDictionary, _ writer: inout JSONWriter) {
    writer.beginArray()
    for name in genres.names { writer.string(name) }
    writer.endArray()
  }

  private static func write(
    _ rating: UserRating, _ genres: borrowing GenreDictionary, _ writer: inout JSONWriter
  ) {
    writer.beginObject()
    writer.key("rating")
    if let rating = rating.rating { writer.double(rating.stars) } else { writer.null() }
    writer.key("time_ms")
    writer.integer(rating.timeMilliseconds)
    writer.key("genres")
    writer.beginArray()
    for genre in rating.genres {
      let number = Int(genre)
      writer.string(number < genres.names.count ? genres.names[number] : "#\(number)")
    }
    writer.endArray()
    if !rating.isByArrival {
      writer.key("source")
      writer.string(rating.source.text)
      writer.key("source_time_ms")
      if rating.recordTimeMilliseconds >= 0 {
        writer.integer(rating.recordTimeMilliseconds)
      } else {
        writer.null()
      }
    }
    writer.endObject()
  }

  private static func write(_ retractions: Retractions, _ writer: inout JSONWriter) {
    writer.beginArray()
    for event in retractions.events { writer.string(event.text) }
    writer.endArray()
  }

  private static func write(
    _ keptOut: KeptOut, _ genres: borrowing GenreDictionary, _ writer: inout JSONWriter
  ) {
    writer.beginArray()
    for statement in keptOut.statements { write(statement, genres, &writer) }
    writer.endArray()
  }

  private static func write(_ progress: RefoldProgress, _ writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("next_offset")
    writer.integer(progress.nextOffset)
    writer.key("corrections")
    writer.integer(progress.corrections)
    writer.endObject()
  }

  private static func write(
    _ aggregate: borrowing UserAggregate, _ genres: borrowing GenreDictionary,
    _ writer: inout JSONWriter
  ) {
    writer.beginObject()
    writer.key("version")
    writer.integer(aggregate.version)
    write(aggregate.statistics, &writer)
    writer.key("genres")
    writer.beginArray()
    for share in aggregate.genres.shares(in: genres) {
      writer.beginObject()
      writer.key("genre")
      writer.string(share.name)
      writer.key("count")
      writer.integer(share.count)
      writer.key("mean")
      writer.double(share.mean)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }

  private static func write(_ aggregate: borrowing MovieAggregate, _ writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("version")
    writer.integer(aggregate.version)
    write(aggregate.statistics, &writer)
    writer.key("journal_entries")
    writer.integer(aggregate.journal.entries)
    writer.endObject()
  }

  /// The members of an object that all aggregates share.
  private static func write(_ statistics: borrowing RatingStatistics, _ writer: inout JSONWriter) {
    writer.key("count")
    writer.integer(statistics.count)
    writer.key("mean")
    writer.double(statistics.mean)
    writer.key("histogram")
    writer.beginArray()
    for bucket in statistics.histogram.indices { writer.integer(statistics.histogram[bucket]) }
    writer.endArray()
    writer.key("first_rating_ms")
    writer.integer(statistics.firstRatingMilliseconds ?? 0)
    writer.key("last_rating_ms")
    writer.integer(statistics.lastRatingMilliseconds ?? 0)
    writer.key("recent_count")
    writer.integer(statistics.recentCount)
  }

  private static func write(_ entries: [TimeJournal.Entry], _ writer: inout JSONWriter) {
    writer.beginArray()
    for entry in entries {
      writer.beginObject()
      writer.key(entry.isRemoval ? "removed_ms" : "added_ms")
      writer.integer(entry.milliseconds)
      writer.endObject()
    }
    writer.endArray()
  }
}

/// What a scrape is answered with.
public struct MetricsPage: Hashable, Sendable {
  /// The value of the header `Content-Type`.
  public let contentType: String
  public let text: String

  /// - Parameters:
  ///   - stores: whose families differ; those without a series are left out.
  ///   - accept: the value of the request's header `Accept`; `nil` if it has none.
  public init(_ stores: [MetricStore], accept: String?) {
    let format = ExpositionFormat(accept: accept)
    var writer = ExpositionWriter(format)
    for store in stores { writer.write(store) }
    writer.end()
    contentType = format.contentType
    text = writer.text
  }
}

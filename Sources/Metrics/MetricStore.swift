/// The values of declared families.
///
/// A series is looked up by its labels once; what updates it afterwards is an index into an array,
/// and allocates nothing.
public struct MetricStore: Sendable {
  /// Labels come from closed sets, so that a family never has as many as this. Should one be wrong
  /// about that, its further series are one, whose labels are all `other`.
  static let mostSeries = 10_000

  /// A family's series, in the order of their first use.
  struct Series: Sendable {
    let family: MetricFamily
    private(set) var labels: [[String]] = []
    /// Where their values are in the store: among the histograms for those, or else the numbers.
    fileprivate(set) var places: [Int] = []
    private var index: [[String]: Int] = [:]

    init(_ family: MetricFamily) { self.family = family }

    /// The number of a series, which may be new.
    fileprivate mutating func number(of values: [String]) -> Int {
      if let known = index[values] { return known }
      guard labels.count < MetricStore.mostSeries else {
        let other = family.labels.map { _ in "other" }
        return index[other] ?? append(other)
      }
      return append(values)
    }

    private mutating func append(_ values: [String]) -> Int {
      precondition(values.count == family.labels.count, "labels that \(family.name) does not have")
      index[values] = labels.count
      labels.append(values)
      return labels.count - 1
    }
  }

  private(set) var families: [Series]
  /// Of counters, gauges and infos.
  private(set) var values: [Double] = []
  private(set) var histograms: [HistogramValue] = []
  private let numbers: [String: Int]

  /// - Parameter families: all that it will have values of, in the order in which they are written.
  public init(_ families: [MetricFamily]) {
    self.families = families.map(Series.init)
    numbers = Dictionary(uniqueKeysWithValues: families.enumerated().map { ($1.name, $0) })
  }

  /// Where a series' value is.
  mutating func place(of labels: [String], in family: MetricFamily) -> Int {
    guard let number = numbers[family.name] else {
      preconditionFailure("\(family.name) is not declared")
    }
    let series = families[number].number(of: labels)
    if series == families[number].places.count {
      families[number].places.append(addValue(of: family.kind))
    }
    return families[number].places[series]
  }

  private mutating func addValue(of kind: MetricFamily.Kind) -> Int {
    if case .histogram(let bounds) = kind {
      histograms.append(HistogramValue(bounds))
      return histograms.count - 1
    }
    values.append(kind == .info ? 1 : 0)
    return values.count - 1
  }

  // MARK: Series

  /// A counter's series, which begins at 0.
  public mutating func series<Labels>(_ counter: Counter<Labels>, _ labels: Labels)
    -> CounterSeries
  { CounterSeries(place: place(of: labels.values, in: counter.family)) }

  /// A histogram's series, which begins empty.
  public mutating func series<Labels>(_ histogram: Histogram<Labels>, _ labels: Labels)
    -> HistogramSeries
  { HistogramSeries(place: place(of: labels.values, in: histogram.family)) }

  // MARK: Updates

  public mutating func add(_ amount: Double, to counter: CounterSeries) {
    precondition(amount >= 0, "a counter only rises")
    values[counter.place] += amount
  }

  /// Counts one value.
  public mutating func observe(_ value: Double, in histogram: HistogramSeries) {
    histograms[histogram.place].observe(value)
  }

  /// Adds what was counted elsewhere.
  ///
  /// - Parameters:
  ///   - counts: of each bucket alone, for the histogram's own bounds.
  ///   - sum: of all values.
  public mutating func merge(
    _ counts: [Int64], sum: Double, into histogram: HistogramSeries
  ) {
    histograms[histogram.place].merge(counts, sum: sum)
  }

  /// Adds to a series that is not updated often.
  public mutating func add<Labels>(
    _ amount: Double, to counter: Counter<Labels>, _ labels: Labels
  ) { add(amount, to: series(counter, labels)) }

  public mutating func set<Labels>(_ gauge: Gauge<Labels>, _ labels: Labels, to value: Double) {
    values[place(of: labels.values, in: gauge.family)] = value
  }

  public mutating func set<Labels>(_ info: Info<Labels>, _ labels: Labels) {
    _ = place(of: labels.values, in: info.family)
  }

  /// Sets a counter that something else counts, such as the kernel.
  public mutating func set<Labels>(
    _ counter: Counter<Labels>, _ labels: Labels, to value: Double
  ) {
    values[place(of: labels.values, in: counter.family)] = value
  }
}

/// One counter of the store that made this.
public struct CounterSeries: Hashable, Sendable {
  let place: Int
}

/// One histogram of the store that made this.
public struct HistogramSeries: Hashable, Sendable {
  let place: Int
}

/// Writes metrics in one of the formats.
struct ExpositionWriter {
  private let format: ExpositionFormat
  private(set) var text = ""

  init(_ format: ExpositionFormat) {
    self.format = format
  }

  /// Writes the families that have series.
  mutating func write(_ store: MetricStore) {
    for series in store.families where !series.labels.isEmpty {
      let family = series.family
      writeHead(family)
      for (labels, place) in zip(series.labels, series.places) {
        switch family.kind {
        case .counter: write(family, "_total", labels, store.values[place])
        case .gauge: write(family, "", labels, store.values[place])
        case .info: write(family, "_info", labels, store.values[place])
        case .histogram: write(family, labels, store.histograms[place])
        }
      }
    }
  }

  mutating func end() {
    if format == .openMetrics { text += "# EOF\n" }
  }

  private mutating func writeHead(_ family: MetricFamily) {
    switch format {
    case .prometheusText:
      let name = family.name + family.plainSuffix
      text += "# HELP \(name) \(Self.escaped(family.help, quotes: false))\n"
      text += "# TYPE \(name) \(family.plainType)\n"
    case .openMetrics:
      text += "# TYPE \(family.name) \(family.openType)\n"
      if let unit = family.unit { text += "# UNIT \(family.name) \(unit.rawValue)\n" }
      text += "# HELP \(family.name) \(Self.escaped(family.help, quotes: true))\n"
    }
  }

  private mutating func write(
    _ family: MetricFamily, _ labels: [String], _ histogram: HistogramValue
  ) {
    var count: Int64 = 0
    for (bucket, more) in histogram.counts.enumerated() {
      count += more
      let bound = bucket < histogram.bounds.count ? "\(histogram.bounds[bucket])" : "+Inf"
      write(family, "_bucket", labels, Double(count), bound: bound)
    }
    write(family, "_sum", labels, histogram.sum)
    write(family, "_count", labels, Double(count))
  }

  private mutating func write(
    _ family: MetricFamily, _ suffix: String, _ labels: [String], _ value: Double,
    bound: String? = nil
  ) {
    text += family.name
    text += suffix
    var separator = "{"
    for (name, value) in zip(family.labels, labels) {
      text += "\(separator)\(name)=\"\(Self.escaped(value, quotes: true))\""
      separator = ","
    }
    if let bound {
      text += "\(separator)le=\"\(bound)\""
      separator = ","
    }
    text += separator == "," ? "} " : " "
    text += Self.number(value)
    text += "\n"
  }

  /// Backslashes and line feeds escaped, and quotation marks where they would end the text.
  static func escaped(_ text: String, quotes: Bool) -> String {
    guard text.utf8.contains(where: { $0 == 0x5C || $0 == 0x0A || $0 == 0x22 }) else { return text }
    var escaped = ""
    // A line feed after a carriage return is no character of its own.
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\"" where quotes: escaped += "\\\""
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  /// The shortest text that stands for exactly this number.
  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 { return "\(whole)" }
    return "\(value)"
  }
}

extension MetricFamily {
  /// What its samples' names end with in Prometheus's text, whose families are named like them.
  fileprivate var plainSuffix: String {
    switch kind {
    case .counter: "_total"
    case .info: "_info"
    case .gauge, .histogram: ""
    }
  }

  fileprivate var plainType: String {
    switch kind {
    case .counter: "counter"
    case .gauge, .info: "gauge"
    case .histogram: "histogram"
    }
  }

  fileprivate var openType: String {
    switch kind {
    case .counter: "counter"
    case .gauge: "gauge"
    case .info: "info"
    case .histogram: "histogram"
    }
  }
}

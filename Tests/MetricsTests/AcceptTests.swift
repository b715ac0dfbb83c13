import Testing

@testable import Metrics

struct AcceptTests {
  private static let prometheus2 =
    "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
    + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
  private static let prometheus3 =
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    + "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,"
    + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"

  @Test(arguments: [
    prometheus2, prometheus3, "application/openmetrics-text", "application/openmetrics-text, */*",
    "APPLICATION/OpenMetrics-Text ; Version=\"1.0.0\"", "application/*",
    "text/plain;q=0.5, application/openmetrics-text;q=0.6",
    "text/plain, application/openmetrics-text",
    "text/plain;q=0, */*",
  ])
  func openMetricsIsPreferred(_ accept: String) {
    #expect(ExpositionFormat(accept: accept) == .openMetrics)
  }

  @Test(arguments: [
    nil, "", "*/*", "text/plain", "text/html", "application/json", "text/*;q=0.1",
    "application/openmetrics-text;version=0.0.1", "application/openmetrics-text;version=2.0.0",
    "application/openmetrics-text;q=0", "application/openmetrics-text;q=0, */*",
    "application/openmetrics-text;q=0.2, text/plain;q=0.3",
    "application/openmetrics-text;q=0.2, */*", "application/openmetrics-text;q=2",
    "application/openmetrics-text;q=x", "/", ";;,,", "application", "text/plain;version=0.0.4",
  ])
  func textIsPreferred(_ accept: String?) {
    #expect(ExpositionFormat(accept: accept) == .prometheusText)
  }
}

import Streams

extension Settings {
  package struct MLflow: Hashable, Sendable {
    /// Empty for no MLflow.
    package var trackingURI = ""
    /// Empty for a name made of the application's.
    package var experiment = ""
    /// Empty for a name made of the application's.
    package var model = ""
    package var token = ""
    package var tokenFile = ""
    package var username = ""
    package var password = ""
    package var passwordFile = ""
    package var authorityFile = ""
    package var timeout = Duration.seconds(30)
    package var interval = Duration.seconds(30)

    package init() {}
  }
}

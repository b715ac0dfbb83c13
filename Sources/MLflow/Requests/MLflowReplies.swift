/// What MLflow answers, as far as it is read. Keys are in camel case here.
enum MLflowReplies {
  /// An answer of which only its success counts.
  struct Nothing: Decodable {}

  struct Failure: Decodable {
    var errorCode: String?
    var message: String?
  }

  struct Pair: Decodable {
    var key: String
    var value: String?
  }

  struct ExperimentFound: Decodable {
    struct Experiment: Decodable {
      var experimentId: String
      var artifactLocation: String?
      var lifecycleStage: String?
    }
    var experiment: Experiment
  }

  struct ExperimentCreated: Decodable {
    var experimentId: String
  }

  struct Run: Decodable {
    struct Info: Decodable {
      var runId: String
      var artifactUri: String?
      var status: String?
      var startTime: Int64?
    }
    struct Content: Decodable {
      var tags: [Pair]?
    }
    var info: Info
    var data: Content?
  }

  struct RunCreated: Decodable {
    var run: Run
  }

  struct RunsFound: Decodable {
    var runs: [Run]?
  }

  struct ArtifactsFound: Decodable {
    struct File: Decodable {
      var path: String
      var isDir: Bool?
      /// A number, or a text with one.
      var fileSize: FlexibleInteger?
    }
    var files: [File]?
  }

  struct ModelFound: Decodable {
    struct Alias: Decodable {
      var alias: String
      var version: FlexibleInteger
    }
    struct Model: Decodable {
      var aliases: [Alias]?
    }
    var registeredModel: Model
  }

  struct ModelVersion: Decodable {
    var version: FlexibleInteger
    var status: String?
    var statusMessage: String?
    var tags: [Pair]?
    var aliases: [String]?
  }

  struct VersionCreated: Decodable {
    var modelVersion: ModelVersion
  }

  struct VersionsFound: Decodable {
    var modelVersions: [ModelVersion]?
    var nextPageToken: String?
  }

  /// Servers differ in whether 64-bit integers are numbers or texts.
  struct FlexibleInteger: Decodable, Hashable {
    var value: Int64

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Int64.self) {
        value = number
        return
      }
      guard let number = Int64(try container.decode(String.self)) else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "no integer")
      }
      value = number
    }
  }
}

import Ratings
import Testing

@testable import Configuration

@Suite struct TimeZoneTests {
  /// Local times around changes of clocks, and elsewhere, with the seconds since 1970 that Python's
  /// zoneinfo gives for them (`fold=0`).
  @Test(arguments: [
    ("Europe/Berlin", "2000-03-26T01:59:59", 954032399),
    ("Europe/Berlin", "2000-03-26T02:59:59", 954035999),
    ("Europe/Berlin", "2000-03-26T02:00:00", 954032400),
    ("Europe/Berlin", "2000-03-26T03:00:00", 954032400),
    ("Europe/Berlin", "2000-03-26T02:30:00", 954034200),
    ("Europe/Berlin", "2000-10-29T02:59:59", 972781199),
    ("Europe/Berlin", "2000-10-29T01:59:59", 972777599),
    ("Europe/Berlin", "2000-10-29T03:00:00", 972784800),
    ("Europe/Berlin", "2000-10-29T02:00:00", 972777600),
    ("Europe/Berlin", "2000-10-29T02:30:00", 972779400),
    ("Europe/Berlin", "2014-03-30T01:59:59", 1396141199),
    ("Europe/Berlin", "2014-03-30T02:59:59", 1396144799),
    ("Europe/Berlin", "2014-03-30T02:00:00", 1396141200),
    ("Europe/Berlin", "2014-03-30T03:00:00", 1396141200),
    ("Europe/Berlin", "2014-03-30T02:30:00", 1396143000),
    ("Europe/Berlin", "1971-07-21T01:29:00", 48904140),
    ("Europe/Berlin", "1999-04-02T15:33:00", 923059980),
    ("Europe/Berlin", "2024-05-03T08:43:00", 1714718580),
    ("Europe/Berlin", "2040-10-20T06:25:00", 2234319900),
    ("America/New_York", "1989-04-02T01:59:59", 607503599),
    ("America/New_York", "1989-04-02T02:59:59", 607507199),
    ("America/New_York", "1989-04-02T02:00:00", 607503600),
    ("America/New_York", "1989-04-02T03:00:00", 607503600),
    ("America/New_York", "1989-04-02T02:30:00", 607505400),
    ("America/New_York", "2000-04-02T01:59:59", 954658799),
    ("America/New_York", "2000-04-02T02:59:59", 954662399),
    ("America/New_York", "2000-04-02T02:00:00", 954658800),
    ("America/New_York", "2000-04-02T03:00:00", 954658800),
    ("America/New_York", "2000-04-02T02:30:00", 954660600),
    ("America/New_York", "2001-10-28T01:59:59", 1004248799),
    ("America/New_York", "2001-10-28T00:59:59", 1004245199),
    ("America/New_York", "2001-10-28T02:00:00", 1004252400),
    ("America/New_York", "2001-10-28T01:00:00", 1004245200),
    ("America/New_York", "2001-10-28T01:30:00", 1004247000),
    ("America/New_York", "1971-02-06T20:03:00", 34736580),
    ("America/New_York", "1999-06-24T08:09:00", 930226140),
    ("America/New_York", "2024-05-24T06:50:00", 1716547800),
    ("America/New_York", "2040-09-12T03:33:00", 2231047980),
    ("Australia/Lord_Howe", "1985-10-27T01:59:59", 499188599),
    ("Australia/Lord_Howe", "1985-10-27T02:29:59", 499190399),
    ("Australia/Lord_Howe", "1985-10-27T02:00:00", 499188600),
    ("Australia/Lord_Howe", "1985-10-27T02:30:00", 499188600),
    ("Australia/Lord_Howe", "1985-10-27T02:15:00", 499189500),
    ("Australia/Lord_Howe", "1986-10-19T01:59:59", 530033399),
    ("Australia/Lord_Howe", "1986-10-19T02:29:59", 530035199),
    ("Australia/Lord_Howe", "1986-10-19T02:00:00", 530033400),
    ("Australia/Lord_Howe", "1986-10-19T02:30:00", 530033400),
    ("Australia/Lord_Howe", "1986-10-19T02:15:00", 530034300),
    ("Australia/Lord_Howe", "2002-10-27T01:59:59", 1035646199),
    ("Australia/Lord_Howe", "2002-10-27T02:29:59", 1035647999),
    ("Australia/Lord_Howe", "2002-10-27T02:00:00", 1035646200),
    ("Australia/Lord_Howe", "2002-10-27T02:30:00", 1035646200),
    ("Australia/Lord_Howe", "2002-10-27T02:15:00", 1035647100),
    ("Australia/Lord_Howe", "1971-06-03T06:37:00", 44743020),
    ("Australia/Lord_Howe", "1999-09-07T10:22:00", 936661920),
    ("Australia/Lord_Howe", "2024-11-03T06:50:00", 1730577000),
    ("Australia/Lord_Howe", "2040-05-21T03:00:00", 2221144200),
    ("Asia/Kolkata", "1971-03-11T09:31:00", 37512060),
    ("Asia/Kolkata", "1999-03-03T15:55:00", 920456700),
    ("Asia/Kolkata", "2024-03-11T15:57:00", 1710152820),
    ("Asia/Kolkata", "2040-01-02T18:03:00", 2209120380),
    ("Pacific/Apia", "2011-04-02T03:59:59", 1301752799),
    ("Pacific/Apia", "2011-04-02T02:59:59", 1301749199),
    ("Pacific/Apia", "2011-04-02T04:00:00", 1301756400),
    ("Pacific/Apia", "2011-04-02T03:00:00", 1301749200),
    ("Pacific/Apia", "2011-04-02T03:30:00", 1301751000),
    ("Pacific/Apia", "2013-04-07T03:59:59", 1365256799),
    ("Pacific/Apia", "2013-04-07T02:59:59", 1365253199),
    ("Pacific/Apia", "2013-04-07T04:00:00", 1365260400),
    ("Pacific/Apia", "2013-04-07T03:00:00", 1365253200),
    ("Pacific/Apia", "2013-04-07T03:30:00", 1365255000),
    ("Pacific/Apia", "2014-09-28T02:59:59", 1411826399),
    ("Pacific/Apia", "2014-09-28T03:59:59", 1411829999),
    ("Pacific/Apia", "2014-09-28T03:00:00", 1411826400),
    ("Pacific/Apia", "2014-09-28T04:00:00", 1411826400),
    ("Pacific/Apia", "2014-09-28T03:30:00", 1411828200),
    ("Pacific/Apia", "1971-01-05T11:25:00", 31962300),
    ("Pacific/Apia", "1999-03-04T20:50:00", 920620200),
    ("Pacific/Apia", "2024-02-07T20:02:00", 1707289320),
    ("Pacific/Apia", "2040-05-08T09:59:00", 2220037140),
    ("America/Sao_Paulo", "1990-02-10T23:59:59", 634701599),
    ("America/Sao_Paulo", "1990-02-10T22:59:59", 634697999),
    ("America/Sao_Paulo", "1990-02-11T00:00:00", 634705200),
    ("America/Sao_Paulo", "1990-02-10T23:00:00", 634698000),
    ("America/Sao_Paulo", "1990-02-10T23:30:00", 634699800),
    ("America/Sao_Paulo", "1998-02-28T23:59:59", 888717599),
    ("America/Sao_Paulo", "1998-02-28T22:59:59", 888713999),
    ("America/Sao_Paulo", "1998-03-01T00:00:00", 888721200),
    ("America/Sao_Paulo", "1998-02-28T23:00:00", 888714000),
    ("America/Sao_Paulo", "1998-02-28T23:30:00", 888715800),
    ("America/Sao_Paulo", "2005-02-19T23:59:59", 1108864799),
    ("America/Sao_Paulo", "2005-02-19T22:59:59", 1108861199),
    ("America/Sao_Paulo", "2005-02-20T00:00:00", 1108868400),
    ("America/Sao_Paulo", "2005-02-19T23:00:00", 1108861200),
    ("America/Sao_Paulo", "2005-02-19T23:30:00", 1108863000),
    ("America/Sao_Paulo", "1971-04-09T01:21:00", 40018860),
    ("America/Sao_Paulo", "1999-08-05T09:35:00", 933856500),
    ("America/Sao_Paulo", "2024-02-12T11:35:00", 1707748500),
    ("America/Sao_Paulo", "2040-10-09T19:12:00", 2233433520),
    ("Europe/Moscow", "1981-09-30T23:59:59", 370727999),
    ("Europe/Moscow", "1981-09-30T22:59:59", 370724399),
    ("Europe/Moscow", "1981-10-01T00:00:00", 370731600),
    ("Europe/Moscow", "1981-09-30T23:00:00", 370724400),
    ("Europe/Moscow", "1981-09-30T23:30:00", 370726200),
    ("Europe/Moscow", "1987-09-27T02:59:59", 559695599),
    ("Europe/Moscow", "1987-09-27T01:59:59", 559691999),
    ("Europe/Moscow", "1987-09-27T03:00:00", 559699200),
    ("Europe/Moscow", "1987-09-27T02:00:00", 559692000),
    ("Europe/Moscow", "1987-09-27T02:30:00", 559693800),
    ("Europe/Moscow", "2003-10-26T02:59:59", 1067122799),
    ("Europe/Moscow", "2003-10-26T01:59:59", 1067119199),
    ("Europe/Moscow", "2003-10-26T03:00:00", 1067126400),
    ("Europe/Moscow", "2003-10-26T02:00:00", 1067119200),
    ("Europe/Moscow", "2003-10-26T02:30:00", 1067121000),
    ("Europe/Moscow", "1971-11-04T13:34:00", 58098840),
    ("Europe/Moscow", "1999-03-04T17:08:00", 920556480),
    ("Europe/Moscow", "2024-07-17T16:09:00", 1721221740),
    ("Europe/Moscow", "2040-12-10T08:47:00", 2238731220),
    ("Africa/Casablanca", "2012-08-20T01:59:59", 1345427999),
    ("Africa/Casablanca", "2012-08-20T02:59:59", 1345431599),
    ("Africa/Casablanca", "2012-08-20T02:00:00", 1345428000),
    ("Africa/Casablanca", "2012-08-20T03:00:00", 1345428000),
    ("Africa/Casablanca", "2012-08-20T02:30:00", 1345429800),
    ("Africa/Casablanca", "2019-06-09T01:59:59", 1560045599),
    ("Africa/Casablanca", "2019-06-09T02:59:59", 1560049199),
    ("Africa/Casablanca", "2019-06-09T02:00:00", 1560045600),
    ("Africa/Casablanca", "2019-06-09T03:00:00", 1560045600),
    ("Africa/Casablanca", "2019-06-09T02:30:00", 1560047400),
    ("Africa/Casablanca", "2024-03-10T02:59:59", 1710035999),
    ("Africa/Casablanca", "2024-03-10T01:59:59", 1710032399),
    ("Africa/Casablanca", "2024-03-10T03:00:00", 1710039600),
    ("Africa/Casablanca", "2024-03-10T02:00:00", 1710032400),
    ("Africa/Casablanca", "2024-03-10T02:30:00", 1710034200),
    ("Africa/Casablanca", "1971-08-04T21:08:00", 50188080),
    ("Africa/Casablanca", "1999-04-10T21:31:00", 923779860),
    ("Africa/Casablanca", "2024-11-27T08:40:00", 1732693200),
    ("Africa/Casablanca", "2040-06-23T19:51:00", 2224090260),
    ("Asia/Kathmandu", "1985-12-31T23:59:59", 504901799),
    ("Asia/Kathmandu", "1986-01-01T00:14:59", 504902699),
    ("Asia/Kathmandu", "1986-01-01T00:00:00", 504901800),
    ("Asia/Kathmandu", "1986-01-01T00:15:00", 504901800),
    ("Asia/Kathmandu", "1986-01-01T00:07:30", 504902250),
    ("Asia/Kathmandu", "1971-12-09T03:52:00", 61078920),
    ("Asia/Kathmandu", "1999-01-16T16:41:00", 916484160),
    ("Asia/Kathmandu", "2024-10-13T02:54:00", 1728767340),
    ("Asia/Kathmandu", "2040-12-13T03:16:00", 2238960660),
    ("Pacific/Auckland", "1985-03-03T02:59:59", 478619999),
    ("Pacific/Auckland", "1985-03-03T01:59:59", 478616399),
    ("Pacific/Auckland", "1985-03-03T03:00:00", 478623600),
    ("Pacific/Auckland", "1985-03-03T02:00:00", 478616400),
    ("Pacific/Auckland", "1985-03-03T02:30:00", 478618200),
    ("Pacific/Auckland", "1993-03-21T02:59:59", 732635999),
    ("Pacific/Auckland", "1993-03-21T01:59:59", 732632399),
    ("Pacific/Auckland", "1993-03-21T03:00:00", 732639600),
    ("Pacific/Auckland", "1993-03-21T02:00:00", 732632400),
    ("Pacific/Auckland", "1993-03-21T02:30:00", 732634200),
    ("Pacific/Auckland", "2009-09-27T01:59:59", 1253973599),
    ("Pacific/Auckland", "2009-09-27T02:59:59", 1253977199),
    ("Pacific/Auckland", "2009-09-27T02:00:00", 1253973600),
    ("Pacific/Auckland", "2009-09-27T03:00:00", 1253973600),
    ("Pacific/Auckland", "2009-09-27T02:30:00", 1253975400),
    ("Pacific/Auckland", "1971-10-08T08:48:00", 55716480),
    ("Pacific/Auckland", "1999-11-17T06:27:00", 942773220),
    ("Pacific/Auckland", "2024-01-11T14:08:00", 1704935280),
    ("Pacific/Auckland", "2040-02-19T22:18:00", 2213255880),
    ("Europe/Dublin", "1995-03-26T00:59:59", 796179599),
    ("Europe/Dublin", "1995-03-26T01:59:59", 796183199),
    ("Europe/Dublin", "1995-03-26T01:00:00", 796179600),
    ("Europe/Dublin", "1995-03-26T02:00:00", 796179600),
    ("Europe/Dublin", "1995-03-26T01:30:00", 796181400),
    ("Europe/Dublin", "2003-03-30T00:59:59", 1048985999),
    ("Europe/Dublin", "2003-03-30T01:59:59", 1048989599),
    ("Europe/Dublin", "2003-03-30T01:00:00", 1048986000),
    ("Europe/Dublin", "2003-03-30T02:00:00", 1048986000),
    ("Europe/Dublin", "2003-03-30T01:30:00", 1048987800),
    ("Europe/Dublin", "2017-10-29T01:59:59", 1509238799),
    ("Europe/Dublin", "2017-10-29T00:59:59", 1509235199),
    ("Europe/Dublin", "2017-10-29T02:00:00", 1509242400),
    ("Europe/Dublin", "2017-10-29T01:00:00", 1509235200),
    ("Europe/Dublin", "2017-10-29T01:30:00", 1509237000),
    ("Europe/Dublin", "1971-04-09T17:35:00", 40062900),
    ("Europe/Dublin", "1999-02-05T20:40:00", 918247200),
    ("Europe/Dublin", "2024-11-25T08:10:00", 1732522200),
    ("Europe/Dublin", "2040-06-08T09:46:00", 2222757960),
    ("Asia/Gaza", "1989-04-29T23:59:59", 609890399),
    ("Asia/Gaza", "1989-04-30T00:59:59", 609893999),
    ("Asia/Gaza", "1989-04-30T00:00:00", 609890400),
    ("Asia/Gaza", "1989-04-30T01:00:00", 609890400),
    ("Asia/Gaza", "1989-04-30T00:30:00", 609892200),
    ("Asia/Gaza", "1990-03-24T23:59:59", 638315999),
    ("Asia/Gaza", "1990-03-25T00:59:59", 638319599),
    ("Asia/Gaza", "1990-03-25T00:00:00", 638316000),
    ("Asia/Gaza", "1990-03-25T01:00:00", 638316000),
    ("Asia/Gaza", "1990-03-25T00:30:00", 638317800),
    ("Asia/Gaza", "2005-10-04T01:59:59", 1128380399),
    ("Asia/Gaza", "2005-10-04T00:59:59", 1128376799),
    ("Asia/Gaza", "2005-10-04T02:00:00", 1128384000),
    ("Asia/Gaza", "2005-10-04T01:00:00", 1128376800),
    ("Asia/Gaza", "2005-10-04T01:30:00", 1128378600),
    ("Asia/Gaza", "1971-10-03T09:34:00", 55323240),
    ("Asia/Gaza", "1999-07-23T15:42:00", 932733720),
    ("Asia/Gaza", "2024-06-24T02:03:00", 1719183780),
    ("Asia/Gaza", "2040-06-24T15:22:00", 2224153320),
  ])
  func readsLocalTimesAsTheTimeZoneDatabaseDoes(_ zone: String, _ local: String, _ seconds: Int64)
    throws
  {
    let offsets = try #require(TimeZones.offsets(named: zone))
    let text = Array(local.utf8)
    #expect(EventTime.milliseconds(iso8601: text.span.bytes, zone: offsets) == seconds * 1000)
  }

  @Test func knowsNamesAndTheNearest() {
    #expect(TimeZones.offsets(named: "UTC") == .utc)
    for name in ["Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "UTC"] {
      #expect(TimeZones.isKnown(name) && TimeZones.offsets(named: name) != nil, "\(name)")
    }
    for name in ["", "Berlin", "Europe/Berln", "europe/berlin", "Mars/Olympus", "+01:00"] {
      #expect(!TimeZones.isKnown(name) && TimeZones.offsets(named: name) == nil, "\(name)")
    }
    #expect(TimeZones.nearest(to: "Berlin") == "Europe/Berlin")
    #expect(TimeZones.nearest(to: "Europe/Berln") == "Europe/Berlin")
    #expect(TimeZones.nearest(to: "new york") == "America/New_York")
  }

  @Test func intakeSettingsBecomeAPolicy() throws {
    #expect(try load().settings.intakePolicy == IntakePolicy())
    let loaded = try load(
      "intake:\n  accept: [number_as_text, spelling]\n  time_zone: Asia/Kolkata\n")
    #expect(
      loaded.settings.intakePolicy
        == IntakePolicy(accepts: [.numberAsText, .spelling], timeZone: "Asia/Kolkata"))
    for (text, expected) in [
      ("all", CoercionSet.all), ("none", []),
      ("spelling, schema_prefix", [.spelling, .schemaPrefix]),
    ] {
      let loaded = try load(environment: ["PROJECTIONIST_INTAKE_ACCEPT": text])
      #expect(loaded.settings.intakePolicy.accepts == expected)
    }
  }

  @Test func wrongIntakeSettingsNameTheNearest() {
    #expect(
      problem("intake:\n  time_zone: Berlin\n").contains("nearest known one is Europe/Berlin"))
    #expect(problem("intake:\n  accept: [numbers_as_text]\n").contains("mean number_as_text?"))
    #expect(
      problem("intake:\n  accept: [all, spelling]\n").contains("expected all, none, or a list"))
  }

  private func problem(_ yaml: String) -> String {
    do throws(ConfigurationError) {
      _ = try load(yaml)
      return ""
    } catch { return "\(error)" }
  }
}

import Console
import Pipeline
import Ratings
import Testing

@testable import projectionist

@Suite struct IntakeCommandTests {
  private var output: IntakePolicyOutput {
    var first = PolicySchedule()
    _ = first.begin(IntakePolicy(), at: 0)
    _ = first.begin(IntakePolicy(accepts: [.spelling, .floatNoise]), at: 12)
    _ = first.begin(IntakePolicy(accepts: [], timeZone: "Europe/Berlin"), at: 40)
    var second = PolicySchedule()
    second.set(.unreadable("an edition 9 of the rules is unknown"), from: 7)
    return IntakePolicyOutput(
      group: "films-intake", configured: IntakePolicy(), [(0, first), (11, second)])
  }

  @Test func policiesAreATable() {
    #expect(
      output.text == """
        PARTITION  FROM  RULES  TIME ZONE      ACCEPTS
                0     0      2  UTC            all
                0    12      2  UTC            float_noise,spelling
                0    40      2  Europe/Berlin  none
               11     7         unreadable     an edition 9 of the rules is unknown
        new events are judged by the configuration: rules 2, time zone UTC, accepts all

        """)
  }

  @Test func theJSONIsWhatTheHelpSays() throws {
    var small = output
    small.partitions[0].policies.removeFirst()
    small.configured = IntakePolicyOutput.Policy(IntakePolicy(accepts: []))
    let text = try JSONText.of(small).filter { $0 != "\n" && $0 != " " }
    #expect(
      text == #"{"configured":{"accept":[],"rules":2,"time_zone":"UTC"},"group":"films-intake","#
        + #""partitions":[{"partition":0,"policies":[{"accept":["float_noise","spelling"],"from":12,"#
        + #""rules":2,"time_zone":"UTC"},{"accept":[],"from":40,"rules":2,"#
        + #""time_zone":"Europe/Berlin"}]},{"partition":11,"policies":[{"from":7,"#
        + #""unreadable":"anedition9oftherulesisunknown"}]}]}"#)
  }
}

"""The settings of intake change between kills, and everything is read again: verdicts stay.

Each event must be judged by the settings of its first time, and the control topic says which those were.
"""

import json

from confluent_kafka import Producer

from under_fire import outputs
from under_fire.groups import reset_group
from under_fire.scenarios import SMALL
from under_fire.waiting import let_pass

LONG = SMALL | {"events": 1_000, "kills": 12}
SHORT = SMALL | {"events": 100, "kills": 3}

INPUT = "user-ratings"
# Above all users of the load.
USER = 5_000_000_200
SETTINGS = [
    {"intake.accept": "all", "intake.time_zone": "UTC"},
    {"intake.accept": "none", "intake.time_zone": "UTC"},
    {"intake.accept": "all", "intake.time_zone": "Europe/Berlin"},
]


def run(bed):
    daemon = bed.daemon("one")
    for number in range(bed.options.kills):
        bed.report.progress(f"settings {number + 1} of {bed.options.kills}")
        use(daemon, SETTINGS[number % len(SETTINGS)])
        produce(bed, number)
        daemon.start()
        daemon.wait_until_ready()
        # In the middle of something, wherever that is: its first batches have the new settings.
        let_pass(bed.random.uniform(0, 0.2))
        daemon.kill()
        produce(bed, number + 1_000)
        daemon.start()
        caught_up(bed, daemon)
        daemon.stop()
    first = newest(bed)
    sent = sum(1 for _ in outputs.committed(bed.bootstrap, INPUT))
    bed.report.check("each event is judged", [] if len(first) == sent else [f"{len(first)}"])
    both = {json.loads(verdict)["valid"] for verdict, _ in first.values()}
    bed.report.check("the settings make a difference", [] if len(both) == 2 else [f"{both}"])
    shown = policies(bed, daemon)
    bed.report.check("the settings are listed", [] if len(shown) > 2 else [f"{shown}"])
    use(daemon, SETTINGS[1])
    reset_group(bed, "intake", INPUT)
    daemon.start()
    caught_up(bed, daemon)
    daemon.stop()
    again = newest(bed)
    differences = (
        f"{place}: {first[place]}, then {again[place]}"
        for place in first
        if first[place] != again[place]
    )
    bed.report.check("everything is judged as it was judged first", differences)
    if bed.options.guarantee == "exactly_once":
        repeated = (place for place, count in counts(bed).items() if count != 2)
        bed.report.check("each event has two verdicts", (f"{place}" for place in repeated))
    after = policies(bed, daemon)
    bed.report.check("a replay records no settings", [] if after == shown else [f"{after}"])


def use(daemon, settings):
    daemon.settings |= settings
    daemon.write_configuration()


def caught_up(bed, daemon):
    daemon.wait_until_ready()
    bed.groups.wait_until_caught_up(seconds=120, daemons=[daemon])


def produce(bed, number):
    """Sends events whose verdicts, or times, depend on the settings."""
    producer = Producer({"bootstrap.servers": bed.bootstrap, "log_level": 0})
    partitions = bed.groups.partitions(INPUT)
    for movie in range(40):
        event = {"user_id": USER + number, "movie_id": movie, "rating": 4.0}
        event |= [
            {"timestamp": "2020-09-13 12:26:40"},
            {"timestamp": 1_600_000_000, "rating": "3.5"},
            {"timestamp": 1_600_000_000_000},
        ][movie % 3]
        producer.produce(
            INPUT, json.dumps(event), partition=partitions[movie % len(partitions)]
        )
    left = producer.flush(30)
    if left:
        raise RuntimeError(f"{left} events were not sent")


def intake_verdicts(bed):
    """Intake's verdicts, not those of the user stage on what changes nothing."""
    for message in outputs.committed(bed.bootstrap, "validation-results"):
        verdict = json.loads(message.value())
        if not any(
            "increasing" in rule or "compound_columns" in rule for rule in verdict["failed"]
        ):
            yield (verdict["partition"], verdict["offset"]), message.value().decode()


def newest(bed):
    """Each event's newest verdict, and what was validated of it, by where it is."""
    validated = {}
    for message in outputs.committed(bed.bootstrap, "validated-ratings"):
        event = json.loads(message.value())
        validated[event["source_partition"], event["source_offset"]] = message.value().decode()
    return {
        place: (verdict, validated.get(place)) for place, verdict in intake_verdicts(bed)
    }


def counts(bed):
    found = {}
    for place, _ in intake_verdicts(bed):
        found[place] = found.get(place, 0) + 1
    return found


def policies(bed, daemon):
    text = bed.run("intake", "policy", "--json", "--config", daemon.configuration)
    partitions = json.loads(text)["partitions"]
    return [(each["partition"], policy) for each in partitions for policy in each["policies"]]

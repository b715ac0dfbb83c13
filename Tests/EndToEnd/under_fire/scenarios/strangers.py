"""Somebody else reads as one of the daemon's groups, or resets its offsets.

The daemon must skip nothing: it stops with `foreign_offset`, and goes on once the operator has said
what is meant. A replay is done and said; a reset that has no effect says what to do instead.
"""

import json

from confluent_kafka import Consumer

from under_fire import checks, outputs
from under_fire.daemon import APPLICATION
from under_fire.groups import reset_group
from under_fire.scenarios import MOVIELENS, SMALL
from under_fire.scenarios.growth import REQUESTS, Requests
from under_fire.waiting import wait_until

LONG = MOVIELENS | {"events": 300_000, "kills": 1}
SHORT = SMALL | {"events": 20_000, "kills": 1}

STATE_DIFFERS = 3  # As `projectionist --help` lists it.
FOREIGN = "foreign_offset"
INPUT = "user-ratings"


def run(bed):
    daemon = bed.daemon("one")
    daemon.start()
    bed.send(0.3)
    catch_up(bed, daemon)
    predict_borrowed(bed, daemon)
    group_borrowed(bed, daemon)
    skipped_by_mistake(bed, daemon)
    movie_reset(bed, daemon)
    skipped_and_replayed(bed, daemon)


def predict_borrowed(bed, daemon):
    """The stage has no members, and can't commit while somebody else is one: it answers all the same,
    and does not fill its log."""
    bed.report.progress("case: a consumer borrows the group of predict")
    stranger = Consumer(
        {
            "bootstrap.servers": bed.bootstrap,
            "group.id": f"{APPLICATION}-predict",
            "client.id": "console",
            "log_level": 0,
        }
    )
    stranger.subscribe([REQUESTS])
    requests = Requests(bed)
    users = range(1, 21)
    try:
        wait_until(
            lambda: stranger.poll(0.1) or stranger.assignment(), 60, "the stranger has partitions"
        )
        for user in users:
            requests.ask(user, user % len(bed.groups.partitions(REQUESTS)))
        wait_until(lambda: requests.has_answers(users), 60, "every request is answered")
    finally:
        requests.close()
        stranger.close()
    lines = daemon.says("COMMITFAIL")
    bed.report.check("its log stays quiet", [str(line) for line in lines])


def group_borrowed(bed, daemon):
    """A consumer joins the group of intake, gets partitions, and commits what it has read."""
    bed.report.progress("case: a consumer borrows the group of intake")
    stranger = Consumer(
        {
            "bootstrap.servers": bed.bootstrap,
            "group.id": f"{APPLICATION}-intake",
            "client.id": "console",
            "partition.assignment.strategy": "cooperative-sticky",
            "auto.commit.interval.ms": 100,
            "log_level": 0,
        }
    )
    stranger.subscribe([INPUT])
    taken = 0

    def takes_some():
        nonlocal taken
        taken += len(stranger.consume(1_000, 0.2))
        return taken

    # Events that are there before it has partitions go to the daemon alone.
    wait_until(lambda: takes_some() or stranger.assignment(), 60, "the stranger has partitions")
    bed.start_load(0.2).finish()
    wait_until(takes_some, 60, "the stranger has read events")
    # As it ends it commits, and the partitions go back.
    stranger.close()
    stops_by_name(bed, daemon, "events, from")
    listed = json.loads(offsets(bed, daemon, "list", "--stage", "intake", "--json"))
    ahead = [line for line in listed if line["status"] == "ahead"]
    bed.report.check("the offsets ahead are listed", [] if ahead else [json.dumps(listed)])
    offsets(bed, daemon, "restore", "--stage", "intake")
    go_on(bed, daemon)
    judge(bed, daemon, f"{taken} events read by a stranger")


def skipped_by_mistake(bed, daemon):
    bed.report.progress("case: intake reset to the latest offsets by mistake")
    bed.send(0.1)
    reset_group(bed, "intake", INPUT, "--to-latest")
    stops_by_name(bed, daemon, "Nobody else")
    offsets(bed, daemon, "restore", "--stage", "intake")
    go_on(bed, daemon)
    judge(bed, daemon, "a reset that was undone")


def movie_reset(bed, daemon):
    """The movie stage counts each change once: a reset has no effect, and the daemon says so."""
    bed.report.progress("case: the movie stage's group reset")
    reset_group(bed, "movie", "ratings-by-movie", "--to-earliest")
    go_on(bed, daemon)
    said = [each for each in daemon.events("foreign_offset") if each["stage"] == "movie"]
    codes = {each["reason"]["code"] for each in said}
    bed.report.check("the reset is said to have no effect", [] if "reset_ignored" in codes else said)
    judge(bed, daemon, "a reset without effect")


def skipped_and_replayed(bed, daemon):
    """Events are skipped on purpose, and a replay brings them back."""
    bed.report.progress("case: a skip that is accepted, and a replay")
    bed.send(0.1)
    reset_group(bed, "intake", INPUT, "--to-latest")
    stops_by_name(bed, daemon, "skip")
    offsets(bed, daemon, "accept", "--stage", "intake")
    go_on(bed, daemon)
    missing = without_verdict(bed)
    bed.report.check("what was accepted is skipped", [] if missing else ["every event has a verdict"])
    daemon.stop()
    reset_group(bed, "intake", INPUT, "--to-earliest")
    go_on(bed, daemon)
    said = [each["reason"]["code"] for each in daemon.events("foreign_offset")]
    bed.report.check("the replay is said", [] if "replaying" in said else [f"it says {said}"])
    judge(bed, daemon, "a replay of what was skipped")


def without_verdict(bed):
    have = {place for place, _, _ in outputs.verdicts(bed.bootstrap)}
    ends = bed.groups.ends([INPUT])
    wanted = {(part, each) for (_, part), end in ends.items() for each in range(end)}
    return wanted - have


# Steps


def catch_up(bed, daemon):
    bed.groups.wait_until_caught_up(seconds=300, daemons=[daemon])


def go_on(bed, daemon):
    bed.send(0.02)
    daemon.start()
    daemon.wait_until_ready()
    catch_up(bed, daemon)


def judge(bed, daemon, name):
    fold = checks.fold_of(bed)
    with bed.report.as_one(f"{name}: features and stores are those of all events"):
        checks.features(bed, fold, 60)
        daemon.stop()
        checks.store_contents(bed, fold, lambda *_: daemon)
    missing = without_verdict(bed)
    bed.report.check(f"{name}: every event has a verdict", sorted(missing)[:10])


def stops_by_name(bed, daemon, *words):
    if not daemon.is_running:
        daemon.start()
    wait_until(lambda: not daemon.is_running, 90, f"the daemon stops with {FOREIGN}")
    reasons = [event["reason"] for event in daemon.events("stopped") if "reason" in event]
    named = [each for each in reasons if each["code"] == FOREIGN and INPUT in each["text"]]
    told = [each for each in named if all(word in each["text"] for word in words)]
    problems = [] if told else [daemon.last_words()]
    if daemon.exit_code != STATE_DIFFERS:
        problems.append(f"the exit code is {daemon.exit_code}")
    bed.report.check(f"it stops with {FOREIGN} and says: {', '.join(words)}", problems)


def offsets(bed, daemon, *arguments):
    return bed.run("offsets", *arguments, "--config", daemon.configuration)

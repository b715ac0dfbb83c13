"""The state meets another log: another cluster's, or that of a broker that was made again.

The daemon must stop with `store_of_another_log` before it reads or writes anything, on its own log
go on as if nothing had been, and copies of stores must be refused in the same way.
"""

import subprocess

from under_fire import checks
from under_fire.groups import Groups
from under_fire.scenarios import MOVIELENS, SMALL
from under_fire.services import KafkaNode
from under_fire.waiting import wait_until

LONG = MOVIELENS | {"events": 300_000, "kills": 1}
SHORT = SMALL | {"events": 20_000, "kills": 1}

FAILURE = 1  # As `projectionist --help` lists them.
STATE_DIFFERS = 3
ANOTHER = "store_of_another_log"
CHANGELOGS = ["storm-user-changelog", "storm-movie-changelog"]


def run(bed):
    daemon = bed.daemon("one")
    daemon.start()
    bed.send(0.4)
    catch_up(bed, daemon)
    daemon.stop()
    other = KafkaNode(bed.options.kafka_home, bed.make_directory("other"))
    try:
        other.start()
        another_cluster(bed, daemon, other)
    finally:
        other.stop()
    bed.send(0.1)
    daemon.start()
    daemon.wait_until_ready()
    catch_up(bed, daemon)
    judge(bed, daemon, "back on its own cluster")
    broker_made_again(bed, daemon)


def another_cluster(bed, daemon, other):
    """The everyday form: another bootstrap server from one shell, with one state directory."""
    bed.report.progress("case: the state directory against another cluster")
    own, elsewhere = bed.kafka, {"kafka.bootstrap.servers": other.bootstrap}
    daemon.settings |= elsewhere
    daemon.write_configuration()
    bed.run("topics", "apply", "--config", daemon.configuration)
    stops_by_name(bed, daemon, "the cluster")
    # Nothing was written there, not even an identity.
    bed.kafka, groups = other, bed.groups
    try:
        bed.groups = Groups(other.bootstrap)
        ends = bed.groups.ends(CHANGELOGS, committed=False)
        written = [f"{place} ends at {end}" for place, end in ends.items() if end]
        bed.report.check("nothing is written to the other cluster's changelogs", written)
    finally:
        bed.groups.close()
        bed.kafka, bed.groups = own, groups
    bed.report.progress("case: copies of stores on another cluster")
    daemon.settings["kafka.bootstrap.servers"] = own.bootstrap
    daemon.write_configuration()
    copies = f"{bed.directory}/copies"
    bed.run("state", "snapshot", copies, "--config", daemon.configuration)
    stranger = bed.daemon("stranger", kafka__bootstrap__servers=other.bootstrap)
    failed = refusal(bed, "state", "restore", copies, "--config", stranger.configuration)
    bed.daemons.remove(stranger)
    problems = [] if "cluster" in failed else [failed or "it is restored"]
    bed.report.check("a copy is refused on another cluster", problems)


def broker_made_again(bed, daemon):
    """A broker without a volume: the same name and cluster id, and nothing in it."""
    bed.report.progress("case: the broker made again, with the same cluster id")
    bed.kafka.make_again()
    # Its clients would look for the old one's coordinators.
    bed.groups.close()
    bed.groups = Groups(bed.bootstrap)
    bed.run("topics", "apply", "--config", daemon.configuration)
    stops_by_name(bed, daemon, "identity")
    copies = f"{bed.directory}/copies"
    failed = refusal(bed, "state", "restore", copies, "--force", "--config", daemon.configuration)
    problems = [] if ANOTHER in failed else [failed or "it is restored"]
    bed.report.check("a copy is refused on a broker that was made again", problems)
    bed.report.progress("case: the stores moved away, as the message says, and Redis claimed")
    daemon.clear_state()
    bed.run("redis", "claim", "--config", daemon.configuration)
    bed.send(0.1)
    daemon.start()
    daemon.wait_until_ready()
    catch_up(bed, daemon)
    daemon.stop()
    bed.report.check(
        "it goes on without the old stores", [] if daemon.exit_code == 0 else [daemon.last_words()]
    )


# Steps


def catch_up(bed, daemon):
    bed.groups.wait_until_caught_up(seconds=300, daemons=[daemon])


def judge(bed, daemon, name):
    fold = checks.fold_of(bed)
    with bed.report.as_one(f"{name}: features and stores are those of all events"):
        checks.features(bed, fold, 60)
        daemon.stop()
        checks.store_contents(bed, fold, lambda *_: daemon)


def stops_by_name(bed, daemon, word):
    daemon.start()
    wait_until(lambda: not daemon.is_running, 90, f"the daemon stops with {ANOTHER}")
    reasons = [event["reason"] for event in daemon.events("stopped") if "reason" in event]
    told = [each for each in reasons if each["code"] == ANOTHER and word in each["text"]]
    problems = [] if told else [daemon.last_words()]
    if daemon.exit_code != STATE_DIFFERS:
        problems.append(f"the exit code is {daemon.exit_code}")
    bed.report.check(f"it stops with {ANOTHER} and names {word}", problems)


def refusal(bed, *arguments):
    """What a command says that must fail; empty if it does not."""
    result = subprocess.run(
        [bed.options.binary, *arguments], capture_output=True, text=True, check=False
    )
    return result.stderr if result.returncode == FAILURE else ""

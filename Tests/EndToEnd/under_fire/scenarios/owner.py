"""Applications meet on the same topics: one of them gets them, and the others say whose they are.

Two that start at the same moment on new topics, one that comes later, one that takes over from a
running daemon, and the first one that takes its topics back. Daemons of one application that are
configured with different numbers of partitions place keys among the same.
"""

from confluent_kafka import Consumer, TopicPartition

from under_fire import checks
from under_fire.bed import STILL
from under_fire.daemon import APPLICATION
from under_fire.scenarios import SMALL
from under_fire.waiting import wait_until

LONG = SMALL | {"events": 20_000, "kills": 20}
SHORT = SMALL | {"events": 5_000, "kills": 2}

OWNED = 2  # As `projectionist --help` lists it.
OTHER = "books"
WAYS_OUT = ["topics.prefix", "topics claim --take-over"]


def run(bed):
    for number in range(bed.options.kills):
        race(bed, f"race{number}")
    names_others(bed)
    counts_once(bed)
    daemon = bed.daemon("one")
    daemon.start()
    bed.send(0.5)
    bed.groups.wait_until_caught_up(seconds=300, daemons=[daemon])
    other = bed.daemon("other", application=OTHER)
    comes_later(bed, daemon, other)
    has_a_prefix(bed)
    loses_its_claim(bed, daemon)
    takes_over(bed, daemon, other)
    bed.report.progress("case: the first application takes its topics back")
    bed.run("topics", "claim", "--take-over", "--config", daemon.configuration)
    daemon.start()
    daemon.wait_until_ready()
    bed.send(0.5)
    bed.groups.wait_until_caught_up(seconds=300, daemons=[daemon])
    checks.everything(bed, [daemon])


def race(bed, prefix):
    """Both start on topics that nobody has claimed."""
    bed.report.progress(f"case: two applications start at the same moment, {prefix}")
    daemons = [
        bed.daemon(f"{prefix}-{application}", application=application, topics__prefix=prefix)
        for application in ("films", OTHER)
    ]
    for daemon in daemons:
        bed.run("topics", "apply", "--config", daemon.configuration)
    for daemon in daemons:
        daemon.start()
    wait_until(
        lambda: all(each.is_ready or not each.is_running for each in daemons),
        120,
        "each of them runs or is refused",
    )
    winners = [each for each in daemons if each.is_running]
    problems = [f"{len(winners)} of them run"] if len(winners) != 1 else []
    for loser in daemons:
        if loser not in winners:
            owner = winners[0].application if winners else "films"
            problems += refusal_problems(loser, owner)
    bed.report.check(f"{prefix}: one runs, and the other names it", problems)
    for daemon in winners:
        daemon.stop()
    for daemon in daemons:
        bed.daemons.remove(daemon)


def names_others(bed):
    """Topics of a version without claims, on which another application has positions."""
    bed.report.progress("case: an application of an earlier version has worked on the topics")
    daemon = bed.daemon("heir", topics__prefix="legacy")
    bed.run("topics", "apply", "--config", daemon.configuration)
    consumer = Consumer(
        {
            "bootstrap.servers": bed.bootstrap,
            "group.id": "legacy.older-intake",
            "enable.auto.commit": False,
        }
    )
    place = TopicPartition("legacy.user-ratings", 0, 0)
    consumer.commit(offsets=[place], asynchronous=False)
    consumer.close()
    daemon.start()
    daemon.wait_until_ready()
    warnings = daemon.says("other applications have worked on these topics", "older")
    bed.report.check(
        "the first start warns of it", [] if len(warnings) == 1 else [daemon.last_words()]
    )
    daemon.stop()
    daemon.start()
    daemon.wait_until_ready()
    warnings = daemon.says("other applications have worked on these topics")
    bed.report.check("and no later one does", [str(each) for each in warnings])
    daemon.stop()
    bed.daemons.remove(daemon)


def counts_once(bed):
    """Daemons with different settings on topics that hold no keys."""
    bed.report.progress("case: topics.partitions differs before there are keys")
    six, four = (
        bed.daemon(f"of-{count}", topics__prefix="counted", topics__partitions=count)
        for count in (6, 4)
    )
    bed.run("topics", "apply", "--config", six.configuration)
    for daemon in (four, six):
        daemon.start()
        daemon.wait_until_ready()
    problems = []
    if four.says("topics.partitions is"):
        problems.append("the first one does not use what it is configured with")
    if not six.says("topics.partitions is 6", "placed among 4"):
        problems.append("the second one does not say what it uses")
    bed.report.check("daemons with other settings use what the first one has claimed", problems)
    text = bed.run("topics", "claim", "--config", six.configuration)
    problems = [] if "topics.partitions=6" in text else [text]
    for daemon in (four, six):
        if daemon.wait(60) != OWNED or not daemon.says("other numbers of partitions"):
            problems.append(f"{daemon.name} has ended with {daemon.last_words()}")
    six.start()
    six.wait_until_ready()
    code = six.stop()
    if code != 0:
        problems.append(f"it ends with {code}")
    bed.report.check("empty topics are counted again on demand", problems)
    for daemon in (four, six):
        bed.daemons.remove(daemon)


def refusal_problems(daemon, owner):
    if daemon.exit_code != OWNED:
        yield f"{daemon.name} has ended with {daemon.exit_code}"
    if not daemon.says(f"belong to the application {owner}", *WAYS_OUT):
        yield f"{daemon.name} does not say what to do: {daemon.last_words()}"


def comes_later(bed, daemon, other):
    bed.report.progress("case: another application comes later")
    ends = bed.groups.ends(STILL, committed=False)
    topics = bed.groups.admin.list_topics(timeout=10).topics.keys()
    other.start()
    other.wait(60)
    problems = list(refusal_problems(other, APPLICATION))
    for place, end in bed.groups.ends(STILL, committed=False).items():
        if end != ends[place]:
            problems.append(f"{place} has grown from {ends[place]} to {end}")
    for command in (
        ["check"], ["topics", "claim"], ["topics", "apply"], ["train"], ["models", "rollback"],
    ):
        code, text = bed.command(*command, "--config", other.configuration)
        if code != OWNED or f"belong to the application {APPLICATION}" not in text:
            problems.append(f"{' '.join(command)} ends with {code}: {text}")
    if topics != bed.groups.admin.list_topics(timeout=10).topics.keys():
        problems.append("it has made topics")
    if not daemon.is_running:
        problems.append(f"the owner has ended: {daemon.last_words()}")
    bed.report.check("who comes later is refused, and changes nothing", problems)
    code, text = bed.command("check", "--config", daemon.configuration)
    bed.report.check("check names the owner", [] if code == 0 and APPLICATION in text else [text])


def has_a_prefix(bed):
    bed.report.progress("case: another application with a prefix")
    other = bed.daemon("apart", application=OTHER, topics__prefix="apart")
    bed.run("topics", "apply", "--config", other.configuration)
    other.start()
    other.wait_until_ready()
    code = other.stop()
    bed.report.check(
        "with a prefix it runs next to the owner", [] if code == 0 else [f"it ended with {code}"]
    )
    bed.daemons.remove(other)


def loses_its_claim(bed, daemon):
    bed.report.progress("case: the control topic is made again under the running daemon")
    admin, topic = bed.groups.admin, "projectionist-control"
    admin.delete_topics([topic])[topic].result()
    wait_until(
        lambda: topic not in admin.list_topics(timeout=10).topics, 30, "the topic is gone", pause=0.2
    )
    bed.run("topics", "apply", "--config", daemon.configuration)
    wait_until(lambda: daemon.says("claiming them again"), 60, "the daemon claims the topics again")

    def is_claimed():
        code, text = bed.command("check", "--config", daemon.configuration)
        return code == 0 and f"belong to {APPLICATION}" in text

    wait_until(is_claimed, 30, "check names the owner again")
    problems = [] if daemon.is_running else [f"the owner has ended: {daemon.last_words()}"]
    bed.report.check("a lost claim is made again", problems)


def takes_over(bed, daemon, other):
    """The daemon of the application before stops by itself, and does not come back."""
    bed.report.progress("case: another application takes over")
    bed.run("topics", "claim", "--take-over", "--config", other.configuration)
    bed.run("topics", "apply", "--config", other.configuration)
    code = daemon.wait(60)
    problems = [] if code == OWNED else [f"it ended with {code}"]
    if not daemon.says("another application has taken these topics over", OTHER):
        problems.append(f"it does not name the new owner: {daemon.last_words()}")
    bed.report.check("the daemon of the one before stops", problems)
    daemon.start()
    daemon.wait(60)
    bed.report.check("and is refused when it comes back", refusal_problems(daemon, OTHER))

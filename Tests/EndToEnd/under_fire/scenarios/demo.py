"""The demo on a cluster and a Redis that are somebody's: nothing of theirs changes.

It runs to its end, and is ended in every way; topics, groups, keys, processes and files of its own
are gone each time.
"""

import hashlib
import re

import redis

from under_fire.bed import STILL
from under_fire.demo import Demo, endings, ends_clean
from under_fire.scenarios import SMALL

LONG = SMALL | {"events": 20_000, "kills": 1}
SHORT = SMALL | {"events": 5_000, "kills": 1}

# A member that was killed stays in its group for as long as its session lasts.
SECONDS = 60


def run(bed):
    daemon = bed.daemon("one")
    daemon.start()
    bed.send(1.0)
    bed.groups.wait_until_caught_up(seconds=300, daemons=[daemon])
    before = state_of(bed)

    def make_demo(*more):
        return Demo(
            bed.options.binary,
            "--ratings",
            "2000",
            *more,
            environment={"PROJECTIONIST_CONFIG": daemon.configuration},
            directory=bed.directory,
        )

    runs_to_its_end(bed, make_demo("--once", "--timeout", "120"), before)
    for name in endings():
        problems = ends_clean(
            make_demo, name, SECONDS, lambda: differences(before, state_of(bed))
        )
        bed.report.check(f"{name}: nothing of the demo is left, all else as it was", problems)
    problems = [] if daemon.is_running else [daemon.last_words()]
    problems += [] if daemon.stop() == 0 else [f"the daemon ended with {daemon.exit_code}"]
    bed.report.check("the daemon has worked on", problems)


def runs_to_its_end(bed, demo, before):
    demo.start()
    demo.read_lines(1)
    first = demo.lines[0]
    prefix = re.search(r"demo-[0-9a-f]+", first)
    bed.report.check("it says first what it touches", [] if prefix else [first])
    demo.drain()
    code = demo.wait(240)
    problems = [] if code == 0 else [f"it ended with {code}: {demo.said()}"]
    problems += demo.problems_after(5, lambda: differences(before, state_of(bed)))
    bed.report.check("it ends with 0, and all is as it was", problems)


def state_of(bed):
    """Topics with their ends, groups, and keys of Redis with what users' rows hold."""
    names = {name for name in bed.groups.admin.list_topics(timeout=10).topics if name[0] != "_"}
    groups = bed.groups.admin.list_consumer_groups(request_timeout=10).result().valid
    client = redis.Redis("127.0.0.1", bed.redis.port)
    rows = {
        key: hashlib.sha256(repr(sorted(client.hgetall(key).items())).encode()).hexdigest()
        if b"user_id" in key
        else ""
        for key in client.keys()
    }
    return {
        "topics": names,
        "ends": bed.groups.ends([name for name in STILL if name in names], committed=False),
        "groups": {group.group_id for group in groups if not group.group_id.startswith("storm-")},
        "rows": rows,
    }


def differences(before, after):
    for what, known in before.items():
        found = after[what]
        if found == known:
            continue
        if isinstance(known, set):
            yield f"{what}: {sorted(known - found)} are gone, {sorted(found - known)} are new"
        else:
            changed = [key for key in {*known, *found} if known.get(key) != found.get(key)]
            yield f"{what} differ: {sorted(map(str, changed))[:5]}"

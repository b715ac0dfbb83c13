"""One to three daemons join and leave at random under load, by SIGTERM and kill -9.

Then: a restart within the session timeout moves no partition and makes no new generation; and
what a daemon gives up in a rebalance that it does not live to finish is read again.
"""

import time

from under_fire import checks
from under_fire.groups import INPUTS
from under_fire.scenarios import MOVIELENS, SMALL
from under_fire.settling import settle_on, wait_for_owners
from under_fire.waiting import let_pass, settle, wait_until

LONG = MOVIELENS | {"events": 500_000, "kills": 40}
SHORT = SMALL | {"events": 30_000, "kills": 6}

BACKLOG = 0.1
CYCLE_SECONDS = 2.5
# The product's default. How long a restart takes depends on the machine; the storm's short timeout
# is for its kills.
RESTART_SESSION_MS = 10_000
# It takes a death within some milliseconds.
HALFWAY_ATTEMPTS = 4
# Between the halves of a rebalance, too, a group is stable.
REBALANCE_SECONDS = 5


def run(bed):
    options, report = bed.options, bed.report
    load = bed.start_load()
    load.allow(int(len(load.events) * BACKLOG))
    daemons = [bed.daemon(name) for name in ("one", "two", "three")]
    daemons[0].start()
    report.progress(f"{options.kills} joins and leaves")
    bad_ends = []
    for number in range(options.kills):
        load.set_rate(load.remaining / ((options.kills - number) * CYCLE_SECONDS))
        change(bed, daemons, bad_ends)
        let_pass(bed.random.uniform(0, 2 * CYCLE_SECONDS))
        running = "".join(daemon.name[0] if daemon.is_running else "-" for daemon in daemons)
        report.keep_alive(f"{number + 1} of {options.kills}, {load.sent:,} events, {running}")
    report.check("a daemon that is asked to stop exits with 0", bad_ends)
    for daemon in daemons:
        if not daemon.is_running:
            daemon.start()
    load.set_rate(0)
    load.finish()
    report.progress("all events are sent; waiting for the end of the lag")
    # The movie stage has two partitions: not every daemon gets one.
    wait_for_owners(bed, daemons, stages=["intake", "user", "redis"])
    bed.groups.wait_until_caught_up(seconds=300, daemons=daemons)
    for how in ("SIGTERM", "kill -9"):
        restart_in_place(bed, daemons[1], how)
    settle_on(bed, daemons[0], daemons[1:])
    dies_halfway(bed, *daemons[:2])
    settle_on(bed, daemons[0], daemons[1:])
    checks.everything(bed, daemons[:1], options.guarantee == "exactly_once")


def change(bed, daemons, bad_ends):
    """Starts a daemon or ends one; one at least goes on."""
    daemon = bed.random.choice(daemons)
    if not daemon.is_running:
        if daemon.exit_code is not None and daemon.exit_code not in (0, -9):
            raise RuntimeError(f"{daemon.name} had ended by itself: {daemon.last_words()}")
        daemon.settings["shutdown.partitions"] = bed.random.choice(["keep", "leave"])
        daemon.write_configuration()
        daemon.start()
    elif sum(each.is_running for each in daemons) == 1:
        return
    elif bed.random.random() < 0.5:
        daemon.kill()
    elif daemon.stop() != 0:
        bad_ends.append(f"{daemon.name}: {daemon.exit_code}: {daemon.last_words()}")


def restart_in_place(bed, daemon, how):
    """Restarts a daemon; the broker's own log tells whether that made a rebalance."""
    daemon.settings["shutdown.partitions"] = "keep"
    daemon.settings["kafka.session.timeout.ms"] = RESTART_SESSION_MS
    daemon.write_configuration()
    daemon.stop()  # With what it was started with; the next stop is the one that counts.
    daemon.start()
    daemon.wait_until_ready()
    wait_for_owners(bed, bed.daemons, stages=["intake", "user", "redis"])
    wait_until_stable(bed)
    before = {stage: bed.groups.owners(stage) for stage in INPUTS}
    log = bed.kafka.log_size()
    if how == "SIGTERM":
        daemon.stop()
    else:
        daemon.kill()
    started = time.monotonic()
    daemon.start()
    daemon.wait_until_ready()
    seconds = time.monotonic() - started
    wait_until_stable(bed)
    moved = [
        f"{stage}: {place} moved from {owner} to {bed.groups.owners(stage).get(place)}"
        for stage in INPUTS
        for place, owner in before[stage].items()
        if bed.groups.owners(stage).get(place) != owner
    ]
    rebalances = [
        line for line in bed.kafka.log_since(log).splitlines() if "Preparing to rebalance" in line
    ]
    bed.report.check(f"a restart after {how} within the session timeout moves no partition", moved)
    bed.report.check(f"a restart after {how} makes no new generation", rebalances)
    bed.report.figure(f"ready after {how}", seconds, "s")


def dies_halfway(bed, daemon, other):
    """A daemon gives partitions up for another one, and dies before it joins for the second half of
    the rebalance. Back within its session it gets what it had kept, and the group is stable."""
    for each in (daemon, other):
        each.settings["kafka.session.timeout.ms"] = RESTART_SESSION_MS
        each.write_configuration()
    restart(bed, daemon)
    for attempt in range(1, HALFWAY_ATTEMPTS + 1):
        other.start()
        wait_until(
            lambda: any(event["stage"] == "user" for event in daemon.events("revoked")),
            60,
            "the user stage gives partitions up",
            pause=0.001,
        )
        daemon.kill()
        daemon.start()
        lost = lasting_orphans(bed)
        if lost or attempt == HALFWAY_ATTEMPTS:
            break
        settle_on(bed, daemon, [other])
        restart(bed, daemon)
    bed.report.figure("partitions that nobody had", len(lost), "")
    bed.report.figure("deaths until then", attempt, "")

    def remaining():
        return [f"{place} is nobody's" for place in orphans(bed)]

    name = "what nobody had is read again"
    if lost:
        bed.report.check(name, settle(remaining, 120))
    else:
        bed.report.skip(name, f"none of {attempt} deaths came between the halves")


def restart(bed, daemon):
    daemon.stop()
    daemon.start()
    daemon.wait_until_ready()
    wait_for_owners(bed, [daemon])


def lasting_orphans(bed):
    """Those that are nobody's although every group is stable for a while."""
    wait_until_stable(bed)
    found = orphans(bed)
    let_pass(REBALANCE_SECONDS)
    wait_until_stable(bed)
    return [place for place in orphans(bed) if place in found]


def orphans(bed):
    found = []
    for stage, topics in INPUTS.items():
        owners = bed.groups.owners(stage)
        places = [(topic, number) for topic in topics for number in bed.groups.partitions(topic)]
        found += [place for place in places if place not in owners]
    return found


def wait_until_stable(bed):
    def is_stable():
        return all(bed.groups.members(stage)[0] == "STABLE" for stage in INPUTS)

    wait_until(is_stable, 60, "every group is stable")

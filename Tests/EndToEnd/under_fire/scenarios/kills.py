"""kill -9 of the daemon at random moments: starting, restoring, working, committing.

Each time the daemon is started again and killed after a random delay: one time in four from its
start on, otherwise from when it has written something. Events go on coming, in bursts and steadily.
Afterwards everything is compared with the fold, and with an uninterrupted run over the same events
on a broker of its own.
"""

import time
from collections import Counter

from under_fire import checks, outputs
from under_fire.bed import OUTPUTS
from under_fire.reference import compare_with_reference
from under_fire.scenarios import MOVIELENS, SMALL
from under_fire.waiting import NotInTime, let_pass, wait_until

LONG = MOVIELENS | {"events": 2_000_000, "kills": 200}
SHORT = SMALL | {"events": 60_000, "kills": 6}

# Of the events, those that are there before the first start.
BACKLOG = 0.1
BURST = 0.005
STARTUP_SECONDS = 1.2
# Short ones fall into the first batch, long ones into any part of a later one.
WORK_SECONDS = (0.5, 3.0)


def run(bed):
    options, report = bed.options, bed.report
    load = bed.start_load()
    load.allow(int(len(load.events) * BACKLOG))
    load.flush()
    daemon = bed.daemon("one")
    report.progress(f"killing the daemon {options.kills} times")
    phases = kill_again_and_again(bed, daemon, load)
    load.finish()
    report.progress("all events are sent; waiting for the end of the lag")
    daemon.start()
    bed.groups.wait_until_caught_up(seconds=600, daemons=[daemon])
    for phase, count in sorted(phases.items()):
        report.figure(f"kills while {phase}", count)
    report.check("no store was rebuilt after a kill", rebuilds(daemon))
    is_exact = options.guarantee == "exactly_once"
    checks.everything(bed, [daemon], is_exact)
    if is_exact:
        aborted = outputs.aborted_count(bed.bootstrap, "validated-ratings")
        report.figure("records of aborted transactions on validated-ratings", aborted)
    if not options.no_reference:
        compare_with_reference(bed, daemon)


def kill_again_and_again(bed, daemon, load):
    """Returns how often the daemon was doing what when it was killed."""
    phases = Counter()
    began = time.monotonic()
    for number in range(bed.options.kills):
        cycle = (time.monotonic() - began) / number if number else 4.0
        load.set_rate(load.remaining / ((bed.options.kills - number) * max(cycle, 0.5)))
        if bed.random.random() < 0.3:
            load.allow(int(len(load.events) * BURST))
        written = written_so_far(bed)
        daemon.start()
        if bed.random.random() < 0.25:
            let_pass(bed.random.uniform(0, STARTUP_SECONDS))
        else:
            wait_for_writes(bed, daemon, written)
            let_pass(bed.random.uniform(0, bed.random.choice(WORK_SECONDS)))
        if not daemon.is_running:
            raise RuntimeError(f"it ended by itself: {daemon.last_words()}")
        daemon.kill()
        phases[phase(daemon, written_so_far(bed) != written)] += 1
        bed.report.keep_alive(
            f"{number + 1} of {bed.options.kills} kills, {load.sent:,} events"
        )
    load.set_rate(0)
    return phases


def written_so_far(bed):
    return bed.groups.ends(OUTPUTS, committed=False)


def wait_for_writes(bed, daemon, written):
    def has_written():
        if not daemon.is_running:
            raise RuntimeError(f"it ended by itself: {daemon.last_words()}")
        return written_so_far(bed) != written

    try:
        wait_until(has_written, 60, "the daemon writes something", pause=0.02)
    except NotInTime as error:
        # Nothing to do is no failure as long as there is nothing to do.
        if not bed.groups.has_caught_up("intake"):
            raise RuntimeError(f"{error}; it says {daemon.last_words()}") from error


def phase(daemon, has_written):
    if daemon.is_ready or has_written:
        return "working"
    if daemon.events("restoring", "restored"):
        return "restoring"
    return "starting or joining"


def rebuilds(daemon):
    return [str(event) for event in daemon.events("store_rebuilt", whole=True)]

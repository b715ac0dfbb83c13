"""kill -9 and clean restarts of the broker under load; the daemon stays up."""


from under_fire import checks
from under_fire.bed import OUTPUTS
from under_fire.scenarios import MOVIELENS, SMALL
from under_fire.waiting import let_pass, wait_until

LONG = MOVIELENS | {"events": 500_000, "kills": 20}
SHORT = SMALL | {"events": 30_000, "kills": 2}

BACKLOG = 0.1
CYCLE_SECONDS = 10


def run(bed):
    options, report = bed.options, bed.report
    load = bed.start_load()
    load.allow(int(len(load.events) * BACKLOG))
    daemon = bed.daemon("one")
    daemon.start()
    daemon.wait_until_ready()
    report.progress(f"restarting the broker {options.kills} times")
    for number in range(options.kills):
        load.set_rate(load.remaining / ((options.kills - number) * CYCLE_SECONDS))
        let_pass(bed.random.uniform(0.2, 2))
        if number % 2 == 0:
            bed.kafka.kill()
        else:
            bed.kafka.stop()
        let_pass(bed.random.uniform(0, 2))
        bed.kafka.start()
        wait_until_it_goes_on(bed, daemon)
        report.keep_alive(
            f"{number + 1} of {options.kills} restarts, {load.sent:,} events"
        )
    load.set_rate(0)
    load.finish()
    report.progress("all events are sent; waiting for the end of the lag")
    bed.groups.wait_until_caught_up(seconds=300, daemons=[daemon])
    report.check("no store was rebuilt", rebuilds(daemon))
    checks.everything(bed, [daemon], options.guarantee == "exactly_once")


def wait_until_it_goes_on(bed, daemon):
    written = bed.groups.ends(OUTPUTS, committed=False)

    def goes_on():
        if not daemon.is_running:
            raise RuntimeError(f"it ended with {daemon.exit_code}: {daemon.last_words()}")
        return bed.groups.ends(OUTPUTS, committed=False) != written

    wait_until(goes_on, 90, "the daemon goes on after the broker's restart", pause=0.1)


def rebuilds(daemon):
    return [str(event) for event in daemon.events("store_rebuilt", whole=True)]

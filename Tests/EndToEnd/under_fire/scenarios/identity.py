"""Two daemons with one instance name; a stranger in a group; and a lag that gets to 0.

Of two processes with one name the newer goes on, and the older stops with a sentence that names
`instance`: they never replace each other in turn. A member that is none of ours is named with its
client id and what it reads.
"""

from confluent_kafka import Consumer, Producer

from under_fire import checks
from under_fire.daemon import APPLICATION
from under_fire.groups import INPUTS
from under_fire.scenarios import MOVIELENS, SMALL
from under_fire.settling import wait_for_owners
from under_fire.waiting import wait_until

LONG = MOVIELENS | {"events": 300_000, "kills": 3}
SHORT = SMALL | {"events": 20_000, "kills": 1}

ALREADY_RUNNING = 75  # As `projectionist --help` lists it.
A_MINUTE = 60
STAGES = ["user", "movie", "redis"]


def run(bed):
    daemon = bed.daemon("one")
    daemon.start()
    daemon.wait_until_ready()
    bed.send(0.2)
    bed.groups.wait_until_caught_up(seconds=300, daemons=[daemon])
    nothing_is_left(bed, daemon)
    for number in range(bed.options.kills):
        daemon = one_identity_twice(bed, daemon, number)
    killed(bed, daemon)
    stranger_comes(bed, daemon)
    transaction_stays_open(bed, daemon)
    bed.send(1.0)
    bed.groups.wait_until_caught_up(seconds=300, daemons=[daemon])
    wait_for_owners(bed, [daemon])
    checks.everything(bed, [daemon], bed.options.guarantee == "exactly_once")


def transaction_stays_open(bed, daemon):
    """Of another producer, which hides what is sent behind its first record."""
    bed.report.progress("case: somebody else's transaction stays open")
    producer = Producer({"bootstrap.servers": bed.bootstrap, "transactional.id": "foreign"})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce("user-ratings", b"{}", partition=1)
    producer.flush(30)
    try:
        wait_until(
            lambda: daemon.says("open_transaction", "user-ratings[1] is held back"),
            A_MINUTE,
            "the daemon names the partition",
        )
    finally:
        producer.abort_transaction(30)
    wait_until(
        lambda: daemon.says("user-ratings[1] is no longer held back"), A_MINUTE, "it says the end"
    )
    bed.report.check("a transaction that holds an input back is named", [])


def lag(bed):
    """What `kafka-consumer-groups` shows: markers of transactions count."""
    found = {}
    for stage in STAGES:
        committed = bed.groups.committed(stage)
        for place, end in bed.groups.ends(INPUTS[stage], committed=False).items():
            if end != committed.get(place, 0):
                found[place] = end - committed.get(place, 0)
    return found


def nothing_is_left(bed, daemon):
    bed.report.progress("case: nothing is left to read")
    wait_until(lambda: not lag(bed), 30, "the groups show a lag of 0", pause=0.5)
    daemon.stop()
    daemon.start()
    daemon.wait_until_ready()
    differences = daemon.events("offsets_differ")
    bed.report.check(
        "a restart finds the groups' offsets as the state has them",
        [str(each) for each in differences],
    )


def one_identity_twice(bed, older, number):
    """Under load, for a busy process is fenced in another way than an idle one."""
    bed.report.progress("case: a second daemon with the same instance name")
    load = bed.start_load(0.5 / bed.options.kills)
    load.set_rate(len(load.events) / 20)
    newer = bed.daemon(f"copy-{number}", instance="one")
    newer.start()
    wait_until(lambda: not older.is_running, A_MINUTE, "the older daemon stops")
    load.set_rate(0)
    load.finish()
    newer.wait_until_ready()
    bed.groups.wait_until_caught_up(seconds=120, daemons=[newer])
    problems = []
    if older.exit_code != ALREADY_RUNNING:
        problems.append(f"it has ended with {older.exit_code}: {older.last_words()}")
    if not older.says("instance_in_use", "`instance`"):
        problems.append(f"it does not say why: {older.last_words()}")
    rejoined = len(older.events("rejoining")) + len(newer.events("rejoining"))
    if rejoined > 3 * len(INPUTS):
        problems.append(f"stages left their groups {rejoined} times")
    bed.report.check("the older of two daemons with one name stops and says why", problems)
    newer.name = "one"
    return newer


def killed(bed, daemon):
    """A dead predecessor has the same name and is no rival."""
    bed.report.progress("case: the daemon is killed and started again")
    daemon.kill()
    daemon.start()
    daemon.wait_until_ready()
    bed.report.check(
        "a process that was killed is no rival",
        [] if daemon.is_running else [daemon.last_words()],
    )


def stranger_comes(bed, daemon):
    bed.report.progress("case: a stranger joins the group of the redis stage")
    stranger = Consumer(
        {
            "bootstrap.servers": bed.bootstrap,
            "group.id": f"{APPLICATION}-redis",
            "client.id": "a-stranger",
            "partition.assignment.strategy": "cooperative-sticky",
            # It takes partitions, and takes nothing away for good.
            "enable.auto.commit": False,
            "auto.offset.reset": "latest",
            "log_level": 0,
        }
    )
    stranger.subscribe(INPUTS["redis"])

    def is_named():
        stranger.poll(0.1)
        return daemon.says("stranger_in_group", "a-stranger", "features[")

    try:
        wait_until(is_named, A_MINUTE, "the daemon names the stranger and its partitions")
    finally:
        stranger.close()
    wait_until(
        lambda: daemon.says("a stranger has left", "a-stranger"), A_MINUTE, "it says that it left"
    )
    bed.report.check("a stranger in a group is named", [])

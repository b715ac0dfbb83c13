"""Who owns which partitions, when nobody comes or goes any more."""

from under_fire.groups import INPUTS
from under_fire.waiting import wait_until


def wait_for_owners(bed, daemons, stages=tuple(INPUTS), seconds=90):
    """Waits until the daemons, and no other, have all partitions between them."""
    names = {daemon.name for daemon in daemons}

    def is_settled():
        for daemon in daemons:
            if not daemon.is_running:
                raise RuntimeError(
                    f"{daemon.name} ended with {daemon.exit_code}: {daemon.last_words()}"
                )
        for stage in stages:
            owners = bed.groups.owners(stage)
            count = sum(len(bed.groups.partitions(topic)) for topic in INPUTS[stage])
            if len(owners) != count or set(owners.values()) != names:
                return False
        return True

    wait_until(is_settled, seconds, f"{', '.join(sorted(names))} have all partitions", pause=0.2)


def settle_on(bed, daemon, others):
    """Ends the others, and waits until one daemon has everything and no lag."""
    for other in others:
        other.stop()
    wait_for_owners(bed, [daemon])
    bed.groups.wait_until_caught_up(seconds=120, daemons=[daemon])

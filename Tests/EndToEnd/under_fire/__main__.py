"""Runs one scenario: see Tests/EndToEnd/storm."""

import argparse
import os
import shutil
import signal
import sys

from under_fire import scenarios
from under_fire.bed import Bed
from under_fire.report import Report
from under_fire.waiting import NotInTime

PACKAGES = {
    "java": "default-jre-headless",
    "mdb_dump": "lmdb-utils",
    "redis-server": "redis-server",
}


def parse():
    parser = argparse.ArgumentParser(
        prog="storm",
        description="Runs the daemon on Apache Kafka under fire, judged by an independent fold.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="scenarios:\n" + scenarios.help_text(),
    )
    parser.add_argument("scenario", choices=scenarios.NAMES)
    parser.add_argument("--binary", required=True, help="the program projectionist")
    parser.add_argument("--short", action="store_true", help="the form of the live tier: a minute")
    parser.add_argument("--events", type=int, help="how many events, bad ones included")
    parser.add_argument("--kills", type=int, help="how often what the scenario does is done")
    parser.add_argument("--seed", type=int, default=1, help="of events and moments (%(default)s)")
    parser.add_argument("--users", type=int, help="users are 1 to this")
    parser.add_argument("--movies", type=int, help="movies are 1 to this")
    parser.add_argument(
        "--guarantee", choices=["exactly_once", "at_least_once"], default="exactly_once"
    )
    parser.add_argument(
        "--no-reference", action="store_true", help="compare with no uninterrupted run (kills)"
    )
    parser.add_argument("--session-timeout-ms", type=int, default=3000, metavar="MS")
    parser.add_argument("--transaction-timeout-ms", type=int, default=5000, metavar="MS")
    parser.add_argument("--kafka-home", default=os.environ.get("KAFKA_HOME", "/opt/kafka"))
    parser.add_argument("--json", metavar="FILE", help="write a summary as JSON; - prints it")
    parser.add_argument("--keep", action="store_true", help="keep logs and data")
    options = parser.parse_args()
    options.binary = os.path.realpath(options.binary)
    defaults = scenarios.defaults(options.scenario, options.short)
    for name, value in defaults.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def missing(options):
    """What a scenario runs on and is not there."""
    found = [f"{name} (Debian: {PACKAGES[name]})" for name in PACKAGES if not shutil.which(name)]
    broker = f"{options.kafka_home}/bin/kafka-server-start.sh"
    return found + [path for path in (broker, options.binary) if not os.access(path, os.X_OK)]


def main():
    options = parse()
    if lacks := missing(options):
        sys.exit(f"storm: missing: {', '.join(lacks)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    title = f"{options.scenario}, {options.guarantee}, seed {options.seed}"
    report = Report(options.scenario)
    report.progress(f"{title}: {options.events:,} events of {options.users:,} users")
    bed = Bed(options, report)
    try:
        bed.start()
        scenarios.run(options.scenario, bed)
    except (NotInTime, RuntimeError) as error:
        report.check("the scenario runs to its end", [str(error)])
    finally:
        bed.close()
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())

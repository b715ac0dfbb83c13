"""A demo with everything of its own ends in every way, and leaves nothing.

Usage: demo_ends.py --binary PROGRAM [--kafka]   with --kafka on an Apache Kafka of the demo's own
"""

import argparse
import os
import sys
import tempfile

from under_fire.demo import Demo, endings, ends_clean


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("--kafka", action="store_true")
    options = parser.parse_args()
    binary = os.path.realpath(options.binary)
    arguments = ["--ratings", "2000"] + ([] if options.kafka else ["--embedded"])
    failed = False
    with tempfile.TemporaryDirectory(prefix="projectionist-demo-ends-") as work:

        def make_demo():
            return Demo(binary, *arguments, directory=work)

        for name in endings():
            problems = ends_clean(make_demo, name, 45)
            failed |= report(name, problems)
        # Before it has started what it shows.
        failed |= report("head -3", head(make_demo(), 3))
    sys.exit(1 if failed else 0)


def head(demo, count):
    demo.start()
    demo.read_lines(count)
    demo.close_output()
    try:
        return demo.problems_after(45)
    finally:
        demo.kill_all()


def report(name, problems):
    print(f"{name}: {'nothing is left' if not problems else problems}", flush=True)
    return bool(problems)


if __name__ == "__main__":
    main()

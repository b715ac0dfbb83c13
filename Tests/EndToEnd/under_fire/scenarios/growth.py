"""Topics get more partitions, while the daemon runs and while it does not; and old requests.

State stays where it was placed, whatever the topics and the configuration say by then: the daemon
names what has grown within a minute and goes on with the partitions that it used before. Only more
partitions of `user-ratings` are read, and of `recommendation-requests`, where clients use them. A
request that is older than `predict.max_age` is never answered, a younger one always.
"""

import json
import re
import shlex
import subprocess
import time

from confluent_kafka import Consumer, Producer, TopicPartition

from under_fire import checks
from under_fire.daemon import APPLICATION
from under_fire.scenarios import MOVIELENS, SMALL
from under_fire.waiting import wait_until

LONG = MOVIELENS | {"events": 300_000, "kills": 1}
SHORT = SMALL | {"events": 20_000, "kills": 1}

# What the issue promises.
A_MINUTE = 60
# As `projectionist --help` lists them.
TOPICS_DIFFER, STATE_DIFFERS = 2, 3
REQUESTS, REPLIES = "recommendation-requests", "recommendations"
MAX_AGE_SECONDS = 60


def run(bed):
    daemon = bed.daemon("one")
    topic_made_by_the_broker(bed, daemon)
    topic_of_an_earlier_version(bed, daemon)
    daemon.start()
    daemon.wait_until_ready()
    bed.send(0.4)
    bed.groups.wait_until_caught_up(seconds=300, daemons=[daemon])
    internal_topic_grows(bed, daemon)
    requests_grow(bed, daemon)
    old_requests(bed, daemon)
    everything_grows(bed, daemon)
    input_grows(bed, daemon)
    input_grows_while_nothing_runs(bed, daemon)
    checks.everything(bed, [daemon], bed.options.guarantee == "exactly_once")


def topic_made_by_the_broker(bed, daemon):
    """One that somebody named before `topics apply` made it: with the broker's defaults."""
    bed.report.progress("case: a topic that the broker made by itself")

    def make(name, partitions):
        bed.groups.admin.delete_topics([name])[name].result()
        wait_until(
            lambda: name not in bed.groups.admin.list_topics(timeout=10).topics, 60, "it is deleted"
        )
        bed.kafka.tool(
            "kafka-topics.sh", "--bootstrap-server", bed.bootstrap, "--create", "--topic", name,
            "--partitions", str(partitions),
        )

    def topics(command):
        line = [bed.options.binary, "topics", command, "--config", daemon.configuration]
        result = subprocess.run(line, capture_output=True, text=True, check=False)
        return result.returncode, result.stdout + result.stderr

    def check():
        return topics("check")

    make("recommendations-shadow", 1)
    code, text = topics("apply")
    bed.report.check("apply gives it what is declared", [f"{code}: {text}"] * (code != 0))
    make("user-features", 1)

    code, text = check()
    mends = re.findall(r"^ +(kafka-\S+\.sh .*)$", text, re.MULTILINE)
    problems = []
    if code != TOPICS_DIFFER or "auto.create.topics.enable" not in text or len(mends) != 2:
        problems.append(f"{code}: {text}")
    for mend in mends:
        bed.kafka.tool(*shlex.split(mend))
    code, text = check()
    if code != 0:
        problems.append(f"after {mends}, {code}: {text}")
    bed.report.check("it is distinguished, and what is printed mends it", problems)


def topic_of_an_earlier_version(bed, daemon):
    """One that takes records of clocks that run ahead."""
    bed.report.progress("case: user-ratings takes records of the future")
    limit = "message.timestamp.after.max.ms"
    bed.kafka.tool(
        "kafka-configs.sh", "--bootstrap-server", bed.bootstrap, "--alter",
        "--entity-type", "topics", "--entity-name", "user-ratings", "--delete-config", limit,
    )
    problems = []
    text = bed.run("topics", "check", "--config", daemon.configuration)
    mends = re.findall(r"Set it with `(kafka-configs\.sh [^`]*)`", text)
    if len(mends) != 1 or f"{limit}=3600000" not in text:
        problems.append(text)
    code, text = bed.command("check", "--config", daemon.configuration)
    if code != 0 or limit not in text:
        problems.append(f"check ends with {code}: {text}")
    for mend in mends:
        bed.kafka.tool(*shlex.split(mend))
    text = bed.run("topics", "check", "--config", daemon.configuration)
    if limit in text:
        problems.append(f"after {mends}: {text}")
    bed.report.check("that is a warning, and what is printed mends it", problems)


def grow(bed, topic, count):
    bed.kafka.tool(
        "kafka-topics.sh", "--bootstrap-server", bed.bootstrap, "--alter", "--topic", topic,
        "--partitions", str(count),
    )


def internal_topic_grows(bed, daemon):
    bed.report.progress("case: validated-ratings grows while the daemon runs")
    grow(bed, "validated-ratings", 6)
    wait_until(
        lambda: daemon.says("validated-ratings has 6 partitions", "partitions_grown"),
        A_MINUTE,
        "the daemon names the topic that has grown",
    )
    wait_until(
        lambda: daemon.events("partitions_unused"), A_MINUTE, "the stage gets the new partitions"
    )
    leaves = len(daemon.events("rejoining"))
    bed.send(0.1)
    bed.groups.wait_until_caught_up(seconds=120, daemons=[daemon])
    ends = bed.groups.ends(["validated-ratings"], committed=False)
    bed.report.check(
        "nothing is written to the new partitions, and the stage stays in its group",
        [f"{place} has {end} records" for place, end in ends.items() if place[1] > 3 and end]
        + [f"it left {len(daemon.events('rejoining'))} times"] * (
            len(daemon.events("rejoining")) != leaves
        ),
    )


def input_grows(bed, daemon):
    bed.report.progress("case: user-ratings grows while the daemon runs")
    grow(bed, "user-ratings", 8)
    wait_until(lambda: len(bed.groups.partitions("user-ratings")) == 8, 30, "there are eight")
    started = time.monotonic()
    rate(bed, 1_000_000, [4, 5, 6, 7])
    bed.groups.wait_until_caught_up(["intake"], seconds=A_MINUTE, daemons=[daemon])
    bed.report.figure("new partitions are read after", time.monotonic() - started, "s")
    bed.groups.wait_until_caught_up(seconds=120, daemons=[daemon])


def rate(bed, first_user, partitions, count=400):
    """Of users who have no events in other partitions: the fold goes by partitions' order."""
    producer = Producer({"bootstrap.servers": bed.bootstrap})
    for number in range(count):
        event = {
            "user_id": first_user + number, "movie_id": 1 + number % 50, "rating": 4.0,
            "timestamp": 1_600_000_000 + number,
        }
        place = partitions[number % len(partitions)]
        producer.produce("user-ratings", json.dumps(event), partition=place)
    producer.flush(30)


def input_grows_while_nothing_runs(bed, daemon):
    bed.report.progress("case: user-ratings grows while nothing runs")
    daemon.stop()
    grow(bed, "user-ratings", 10)
    wait_until(lambda: len(bed.groups.partitions("user-ratings")) == 10, 30, "there are ten")
    rate(bed, 2_000_000, [8])
    code, text = bed.command(
        "state", "verify", "--no-redis", "--wait", "1", "--config", daemon.configuration
    )
    named = "intake[8]: not compared" in text and "intake[9]" not in text
    bed.report.check(
        "state verify names the partition that nobody has read",
        [f"exit code {code}: {text}"] * (code != STATE_DIFFERS or not named),
    )
    daemon.start()
    bed.groups.wait_until_caught_up(seconds=A_MINUTE, daemons=[daemon])


# Requests


class Requests:
    """Asks for recommendations and collects the users that got an answer."""

    def __init__(self, bed):
        self._producer = Producer({"bootstrap.servers": bed.bootstrap})
        self._consumer = Consumer(
            {
                "bootstrap.servers": bed.bootstrap,
                "group.id": "storm-replies",
                "enable.auto.commit": False,
                "log_level": 0,
            }
        )
        self._consumer.assign(
            [
                TopicPartition(REPLIES, partition, 0)
                for partition in bed.groups.partitions(REPLIES)
            ]
        )
        self.answered = set()

    def ask(self, user, partition, age=0):
        timestamp = int((time.time() - age) * 1000)
        value = json.dumps({"user_id": user, "num_recommendations": 3})
        self._producer.produce(REQUESTS, value, partition=partition, timestamp=timestamp)
        self._producer.flush(30)

    def has_answers(self, users):
        while message := self._consumer.poll(0.2):
            if message.error() is None:
                self.answered.add(json.loads(message.value())["user_id"])
        return set(users) <= self.answered

    def close(self):
        self._consumer.close()


def requests_grow(bed, daemon):
    bed.report.progress("case: recommendation-requests grows while the daemon runs")
    grow(bed, REQUESTS, 6)
    requests = Requests(bed)
    try:
        wait_until(lambda: len(bed.groups.partitions(REQUESTS)) == 6, 30, "there are six")
        users = range(1, 13)
        for user in users:
            requests.ask(user, user % 6)
        wait_until(
            lambda: requests.has_answers(users), A_MINUTE, "every request is answered, wherever"
        )
    finally:
        requests.close()
    bed.report.check("requests in new partitions are answered", [])
    daemon.stop()


def old_requests(bed, daemon):
    bed.report.progress("case: old requests after a restart, and after the group's reset")
    requests = Requests(bed)
    try:
        for number in range(6):
            requests.ask(100 + number, number, age=2 * MAX_AGE_SECONDS)
            requests.ask(200 + number, number)
        daemon.start()
        young = range(200, 206)
        wait_until(lambda: requests.has_answers(young), 60, "the young ones are answered")
        daemon.stop()
        group = f"{APPLICATION}-predict"
        bed.kafka.tool(
            "kafka-consumer-groups.sh", "--bootstrap-server", bed.bootstrap, "--group", group,
            "--topic", REQUESTS, "--reset-offsets", "--to-earliest", "--execute",
        )
        for number in range(6):
            requests.ask(300 + number, number)
        daemon.start()
        wait_until(
            lambda: requests.has_answers(range(300, 306)), 60, "the young ones are answered"
        )
        old = sorted(requests.answered & set(range(100, 106)))
        bed.report.check("no old request is answered", [f"user {user}" for user in old])
    finally:
        requests.close()
    daemon.stop()


def everything_grows(bed, daemon):
    """What an operator does who wants six partitions: all that is keyed by user, and the setting."""
    bed.report.progress("case: all topics keyed by user and topics.partitions grow")
    for topic in ("user-features", f"{APPLICATION}-user-changelog"):
        grow(bed, topic, 6)
    daemon.settings["topics.partitions"] = 6
    daemon.write_configuration()
    report = bed.run("topics", "check", "--config", daemon.configuration)
    daemon.start()
    daemon.wait_until_ready()
    problems = []
    if not daemon.says("topics.partitions is 6", "placed among 4"):
        problems.append("the daemon does not say that 4 partitions are used")
    if "topics.partitions is 6" not in report:
        problems.append(f"topics check says {report}")
    for topic in ("validated-ratings", f"{APPLICATION}-user-changelog"):
        if not daemon.says(f"{topic} has 6 partitions"):
            problems.append(f"the daemon does not name {topic}")
    bed.report.check("what has grown is named at the start", problems)
    bed.send(1.0)
    bed.groups.wait_until_caught_up(seconds=300, daemons=[daemon])

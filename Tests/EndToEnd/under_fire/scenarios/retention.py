"""Offsets that the log does not have any more: deleted records, and recreated topics.

The daemon must stop by name, such as `offset_below_log_start` or `topic_recreated`, with a documented exit code, never go on with wrong features; and what
the message says to do must work.
"""

import contextlib
import json
import re

import redis
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import NewTopic

from under_fire import checks, outputs, stores
from under_fire.daemon import APPLICATION
from under_fire.groups import reset_group
from under_fire.load import Load
from under_fire.scenarios import MOVIELENS, SMALL
from under_fire.waiting import NotInTime, wait_until

LONG = MOVIELENS | {"events": 300_000, "kills": 1}
SHORT = SMALL | {"events": 20_000, "kills": 1}

BELOW = "offset_below_log_start"
RECREATED = "topic_recreated"
CHANGELOG_BELOW = "changelog_below_log_start"
ANOTHER_LOG = "store_of_another_log"
STATE_LOST = "state_lost"
# As `projectionist --help` lists them.
STATE_DIFFERS = 3
CODES = {
    BELOW: STATE_DIFFERS,
    RECREATED: STATE_DIFFERS,
    ANOTHER_LOG: STATE_DIFFERS,
    STATE_LOST: 1,
    CHANGELOG_BELOW: 1,
}


def run(bed):
    daemon = bed.daemon("one")
    daemon.start()
    # Each case sends some more, and the last ones need some.
    bed.send(0.4)
    bed.groups.wait_until_caught_up(seconds=300, daemons=[daemon])
    daemon.stop()
    events_deleted(bed, daemon)
    changelog_deleted(bed, daemon)
    events_recreated(bed, daemon)
    topic_recreated(bed, daemon, "validated-ratings")
    changelog_recreated(bed, daemon)


def events_deleted(bed, daemon):
    """Events that were not processed are deleted: the operator accepts the loss."""
    bed.report.progress("case: events deleted before they were processed")
    bed.archive = outputs.input_records(bed.bootstrap)
    bed.send(0.1)
    delete_records(bed, "user-ratings")
    stops_by_name(bed, daemon, BELOW, "user-ratings")
    bed.run("offsets", "accept", "--stage", "intake", "--config", daemon.configuration)
    go_on(bed, daemon)
    judge(bed, daemon, "after the loss is accepted")


def judge(bed, daemon, name):
    fold = checks.fold_of(bed)
    with bed.report.as_one(f"{name}: features and stores are those of the events kept"):
        checks.features(bed, fold, 60)
        daemon.stop()
        checks.store_contents(bed, fold, lambda *_: daemon)


def changelog_deleted(bed, daemon):
    """Changelog records are deleted, and with them what a lost store would be rebuilt from. A store
    that has them goes on; without one there is no way but the copy."""
    bed.report.progress("case: changelog records deleted")
    changelog = f"{APPLICATION}-user-changelog"
    delete_records(
        bed,
        changelog,
        {
            (changelog, partition): stores.changelog_offset(daemon.store("user", partition))
            for partition in daemon.partitions("user")
        },
    )
    go_on(bed, daemon)
    judge(bed, daemon, "changelog records deleted that the store has")
    bed.report.progress("case: changelog records deleted and the store lost")
    daemon.keep_state()
    daemon.clear_state()
    bed.send(0.05)
    if stops_by_name(bed, daemon, CHANGELOG_BELOW, changelog):
        daemon.put_state_back()
        go_on(bed, daemon)
        judge(bed, daemon, "the store put back")


def go_on(bed, daemon):
    bed.send(0.05)
    daemon.start()
    daemon.wait_until_ready()
    bed.groups.wait_until_caught_up(seconds=120, daemons=[daemon])


def events_recreated(bed, daemon):
    """`user-ratings` is deleted and created again. Kafka forgets the group's offsets with it, so its
    events come under the offsets of others, whether it has grown longer than the old one or not."""
    records = outputs.input_records(bed.bootstrap)
    ends = bed.groups.ends(["user-ratings"])
    bed.report.progress("case: user-ratings recreated under the running daemon, and longer")
    daemon.start()
    daemon.wait_until_ready()
    recreate(
        bed, daemon, ["user-ratings"],
        between=lambda: wait_until(
            lambda: daemon.says("the topic user-ratings was deleted"),
            60,
            "intake notices that its input is gone",
        ),
    )
    outgrow(bed, records, ends)
    stops_by_name(bed, daemon, RECREATED, "user-ratings", starts=True)
    bed.report.progress("case: user-ratings recreated at once, with fewer partitions")
    recreate(bed, daemon, ["user-ratings"])
    bed.run("offsets", "accept", "--stage", "intake", "--config", daemon.configuration)
    go_on(bed, daemon)
    replace(bed, "user-ratings", 2)
    stops_by_name(bed, daemon, RECREATED, "user-ratings", starts=True)
    bed.report.progress("case: user-ratings recreated")
    recreate(bed, daemon, ["user-ratings"])
    bed.send(0.05)
    stops_by_name(bed, daemon, RECREATED, "user-ratings", starts=True)
    bed.report.progress("case: user-ratings recreated, and longer than it was")
    recreate(bed, daemon, ["user-ratings"])
    outgrow(bed, records, ends)
    stops_by_name(bed, daemon, RECREATED, "user-ratings", starts=True)
    bed.report.progress("case: all topics recreated, as the message says")
    keep = {"movies", "models"}
    topics = bed.groups.admin.list_topics(timeout=10).topics
    recreate(bed, daemon, [name for name in topics if name[0] != "_" and name not in keep])
    daemon.clear_state()
    redis.Redis("127.0.0.1", bed.redis.port).flushall()
    bed.archive = []
    go_on(bed, daemon)
    judge(bed, daemon, "all topics recreated")


def outgrow(bed, records, ends):
    """Fills a new topic beyond the old one's ends."""
    # Its first part was deleted before: it takes several of what was left.
    longer = Load.again(bed.bootstrap, records * 6)
    longer.finish()
    longer.close()
    ends_now = bed.groups.ends(["user-ratings"])
    if any(ends_now[place] <= end for place, end in ends.items()):
        raise RuntimeError("the new topic is not longer than the old one")


def topic_recreated(bed, daemon, topic):
    """A stage's input is deleted and created again, and shorter than its state's position."""
    bed.report.progress(f"case: {topic} recreated")
    recreate(bed, daemon, [topic])
    for command in (["check"], ["state", "verify", "--wait", "0"]):
        code, output = bed.command(*command, "--config", daemon.configuration)
        told = code == STATE_DIFFERS and f"stands for {topic}" in output
        bed.report.check(f"{' '.join(command[:2])} tells it", [] if told else [output])
    stops_by_name(bed, daemon, RECREATED, topic)
    compute_again(bed, daemon, f"{topic} was recreated")


def changelog_recreated(bed, daemon):
    """A changelog is deleted and created again under the running daemon, which goes on with its
    stores: without them, what the changelog has is not the state."""
    bed.report.progress("case: the user changelog recreated under the running daemon")
    daemon.start()
    daemon.wait_until_ready()
    recreate(bed, daemon, [f"{APPLICATION}-user-changelog"])
    bed.send(0.05)
    bed.groups.wait_until_caught_up(seconds=120, daemons=[daemon])
    daemon.stop()
    stops_by_name(bed, daemon, ANOTHER_LOG, "user-changelog")
    daemon.clear_state()
    stops_by_name(bed, daemon, STATE_LOST, "user-changelog")
    compute_again(bed, daemon, "a changelog was recreated")


def compute_again(bed, daemon, why):
    bed.report.progress("case: all that stages write computed again, as the message says")
    topics = json.loads(bed.run("topics", "list", "--json", "--config", daemon.configuration))
    recreate(bed, daemon, [each["name"] for each in topics if is_of_stages(each["written_by"])])
    daemon.clear_state()
    daemon.start()
    # Until the last step is done it says that one is missing.
    wait_until(
        lambda: daemon.says("position_unknown", "user-ratings"),
        60,
        "intake says that it has no record of where it stood",
    )
    daemon.stop()
    reset_group(bed, "intake", "user-ratings")
    bed.run("redis", "claim", "--config", daemon.configuration)
    go_on(bed, daemon)
    judge(bed, daemon, f"computed again after {why}")


def is_of_stages(writers):
    """Whether only stages write to a topic, by what `topics list` says: names, some with a note."""
    names = re.sub(r" *\([^)]*\)", "", writers).split(", ")
    return set(names) <= {"intake", "user", "movie", "predict"}


def recreate(bed, daemon, topics, between=lambda: None):
    """Deletes topics, and makes them again and empty."""
    for future in bed.groups.admin.delete_topics(topics).values():
        future.result()
    wait_until(
        lambda: not set(topics) & set(bed.groups.admin.list_topics(timeout=10).topics),
        60,
        "the topics are deleted",
    )
    between()
    bed.run("topics", "apply", "--config", daemon.configuration)


def replace(bed, topic, partitions):
    """Deletes a topic, and makes it again with so many partitions as soon as the broker lets it."""
    bed.groups.admin.delete_topics([topic])[topic].result()

    def is_made():
        try:
            bed.groups.admin.create_topics([NewTopic(topic, partitions)])[topic].result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
            return False
        return True

    wait_until(is_made, 60, f"{topic} is made again", pause=0.005)


def stops_by_name(bed, daemon, name, topic, starts=False):
    """Starts it unless it runs; returns whether it has stopped as it must: before it is ready, or
    when it `starts` well, soon after."""
    changes = bed.groups.ends(["ratings-by-movie"])
    if not daemon.is_running:
        daemon.start()

    def reacts():
        return not daemon.is_running or daemon.is_ready

    wait_until(reacts, 60, f"the daemon stops with {name}, or is ready")
    if starts and daemon.is_running:
        with contextlib.suppress(NotInTime):
            wait_until(lambda: not daemon.is_running, 60, f"the daemon stops with {name}")
    if daemon.is_running:
        problem = f"it runs: {daemon.last_words()}"
        bed.groups.wait_until_caught_up(seconds=60, daemons=[daemon])
        daemon.stop()
        if bed.groups.ends(["ratings-by-movie"]) == changes:
            problem += "; the new events have changed nothing"
        return bed.report.check(f"{topic}: stops with {name}", [problem])
    reasons = [event["reason"] for event in daemon.events("stopped") if "reason" in event]
    has_reason = any(each["code"] == name and topic in each["text"] for each in reasons)
    bed.report.check(f"{topic}: stops with {name}", [] if has_reason else [daemon.last_words()])
    return bed.report.check(
        f"{topic}: the exit code is {CODES[name]}",
        [] if daemon.exit_code == CODES[name] else [f"it is {daemon.exit_code}"],
    )


def delete_records(bed, topic, ends=None):
    """Deletes a topic's records below some offsets, or all, as retention would."""
    ends = ends or bed.groups.ends([topic], committed=False)
    request = {
        "version": 1,
        "partitions": [
            {"topic": topic, "partition": partition, "offset": end}
            for (_, partition), end in ends.items()
        ],
    }
    path = f"{bed.directory}/delete-{topic}.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(request, file)
    # What is compacted only may not be deleted from unless it says so.
    config = ["kafka-configs.sh", "--bootstrap-server", bed.bootstrap, "--alter"]
    config += ["--entity-type", "topics", "--entity-name", topic]
    is_compacted = topic.endswith("changelog")
    if is_compacted:
        bed.kafka.tool(*config, "--add-config", "cleanup.policy=[compact,delete]")
    bed.kafka.tool(
        "kafka-delete-records.sh",
        "--bootstrap-server",
        bed.bootstrap,
        "--offset-json-file",
        path,
    )
    if is_compacted:
        bed.kafka.tool(*config, "--add-config", "cleanup.policy=compact")
    wait_until(
        lambda: bed.groups.starts([topic]) == ends, 30, f"the records of {topic} are deleted"
    )

"""An uninterrupted run over the same events, on a broker and a Redis of its own."""

from under_fire import outputs, stores
from under_fire.services import KafkaNode, RedisNode
from under_fire.groups import Groups
from under_fire.load import Load, produce_movies


def compare_with_reference(bed, daemon):
    """Stores and features of users must be equal byte for byte; so must those of movies, but for
    what follows the batches. Ends the bed's broker, to have the memory."""
    bed.report.progress("comparing with an uninterrupted run")
    events = outputs.input_records(bed.bootstrap)
    catalog = list(outputs.newest(bed.bootstrap, "movies").values())
    features = outputs.newest(bed.bootstrap, "user-features")
    bed.groups.close()
    bed.groups = None
    bed.kafka.stop()
    directory = bed.make_directory("reference")
    kafka = KafkaNode(bed.options.kafka_home, directory)
    redis = RedisNode(directory)
    reference = None
    try:
        kafka.start()
        redis.start()
        reference = run_over(bed, kafka, redis, directory, events, catalog)
        reference_features = outputs.newest(kafka.bootstrap, "user-features")
        reference.stop()
        bed.report.check(
            "user-features equals that of the uninterrupted run byte for byte",
            differences(features, reference_features),
        )
        for stage, content in (("user", stores.user_bytes), ("movie", stores.movie_bytes)):
            compare_stores(bed, stage, content, daemon, reference)
    finally:
        for process in [reference, redis, kafka]:
            if process is not None:
                process.kill()


def run_over(bed, kafka, redis, directory, events, catalog):
    # In the order of offsets, so that each event gets the offset it had.
    events.sort(key=lambda event: event[1])
    reference = bed.daemon(
        "reference",
        kafka__bootstrap__servers=kafka.bootstrap,
        redis__port=redis.port,
    )
    bed.run("topics", "apply", "--config", reference.configuration)
    produce_movies(kafka.bootstrap, catalog)
    load = Load.again(kafka.bootstrap, events)
    load.finish()
    reference.start()
    groups = Groups(kafka.bootstrap)
    try:
        groups.wait_until_caught_up(seconds=600, daemons=[reference])
    finally:
        groups.close()
        load.close()
    return reference


def differences(got, want):
    for key in sorted(want.keys() | got.keys()):
        if got.get(key) != want.get(key):
            yield f"{key}: {got.get(key)}, in the uninterrupted run {want.get(key)}"


def compare_stores(bed, stage, content, daemon, reference):
    names = {}
    problems = {}
    for partition in reference.partitions(stage):
        want = content(reference.store(stage, partition))
        got = content(daemon.store(stage, partition))
        for table, rows in want.items():
            names[table] = names.get(table, 0) + len(rows)
            found = differences(dict(got[table]), dict(rows))
            problems.setdefault(table, []).extend(
                f"partition {partition}, {difference}" for difference in found
            )
            if not problems[table] and got[table] != rows:
                problems[table].append(f"partition {partition}: another order")
    for table, count in names.items():
        bed.report.check(
            f"the {stage} stores' {table}, {count:,} rows, equal those of the uninterrupted run",
            problems[table],
        )

"""Holds what the daemon has written against the fold."""

import json
from collections import Counter

import numpy
import pandas

from compare_features import FEAST_NAMES, VIEWS, FeastHashes
from under_fire import outputs, stores
from under_fire.fold import Fold
from under_fire.waiting import look_until

TOLERANCE = 1e-9
LATE = "expect_column_values_to_be_increasing:timestamp"
REPEATED = "expect_compound_columns_to_be_unique:user_id,movie_id,rating,timestamp"
ERROR_PREFIX = "__streams.errors."
PROJECT = "movies"


def fold_of(bed):
    """The fold of everything in `user-ratings` now, and of what was processed before it went."""
    catalog = outputs.newest(bed.bootstrap, "movies").values()
    return Fold(bed.archive + outputs.input_records(bed.bootstrap), catalog)


def everything(bed, daemons, exactly_once=True, owners=None, seconds=90):
    """All checks that hold after any scenario, once there is no lag. Stops the daemons.

    `owners` tells which daemon has a partition of a stage; by default the first one has all.
    """
    report = bed.report
    report.progress("folding user-ratings")
    fold = fold_of(bed)
    report.figure("events", fold.count)
    report.check("every event sent is in user-ratings", ledger(bed, fold))
    features(bed, fold, seconds)
    for daemon in daemons:
        daemon.stop()
    report.check(
        "SIGTERM ends the daemon with 0",
        [f"{each.name}: {each.exit_code}" for each in daemons if each.exit_code != 0],
    )
    answers(bed, fold, exactly_once)
    owner_of = owners or (lambda stage, partition: daemons[0])
    store_contents(bed, fold, owner_of)
    return fold


def ledger(bed, fold):
    if fold.count < bed.events_sent:
        yield f"{bed.events_sent} events were sent, {fold.count} are there"


# Features


def features(bed, fold, seconds):
    """Compares topics and Redis until they are equal or time is up: quality scores of movies follow
    a second after the last rating."""
    users, movies = fold.features()
    want = {"user": users, "movie": movies}

    def find_differences():
        bed.report.keep_alive("waiting until features are equal")
        found = {}
        for kind, (topic, view, join_key) in VIEWS.items():
            found[f"{topic} of {len(want[kind]):,} {kind}s equals the fold"] = list(
                topic_differences(bed, topic, join_key, want[kind])
            )
            found[f"Redis of {len(want[kind]):,} {kind}s equals the fold"] = list(
                redis_differences(bed, fold, view, join_key, want[kind])
            )
        return found

    found = look_until(
        lambda found: not any(found.values()), find_differences, seconds, pause=0.5
    )
    for name, problems in found.items():
        bed.report.check(name, problems)


def topic_differences(bed, topic, join_key, want):
    values = outputs.newest(bed.bootstrap, topic)
    records = [json.loads(value) for value in values.values()]
    for key, record in zip(values, records):
        if str(record[join_key]).encode() != key:
            yield f"the key {key} has {join_key} {record[join_key]}"
    got = pandas.DataFrame(records, columns=[join_key, *want.columns]).set_index(join_key)
    yield from frame_differences(want, got)


def redis_differences(bed, fold, view, join_key, want):
    names = list(want.columns)
    hashes = FeastHashes(bed.redis.address, PROJECT, view, join_key, names)
    # Those that have no ratings any more must be gone.
    everyone = fold.events[join_key].unique().tolist()
    found = hashes.read(everyone)
    got = pandas.DataFrame.from_dict(found, orient="index", columns=names)
    in_seconds = want.copy()
    for name in FEAST_NAMES:
        in_seconds[name] = in_seconds[name] // 1000
    yield from frame_differences(in_seconds, got)


def frame_differences(want, got):
    """One sentence for each entity or value that is not as wanted."""
    for key in want.index.difference(got.index):
        yield f"{key}: missing"
    for key in got.index.difference(want.index):
        yield f"{key}: not expected"
    both = want.index.intersection(got.index)
    for name in want.columns:
        left, right = want.loc[both, name], got.loc[both, name]
        if pandas.api.types.is_numeric_dtype(left):
            left = left.to_numpy("float64")
            right = pandas.to_numeric(right, errors="coerce").to_numpy("float64")
            is_equal = numpy.isclose(left, right, rtol=TOLERANCE, atol=TOLERANCE)
        else:
            left = left.astype("object").where(left.notna(), None).to_numpy()
            right = right.astype("object").where(right.notna(), None).to_numpy()
            is_equal = left == right
        for row in numpy.flatnonzero(~is_equal):
            yield f"{both[row]}: {name} is {right[row]!r}, expected {left[row]!r}"


# Topics


def answers(bed, fold, exactly_once):
    """Each event has its verdict, its canonical form or its dead letter, and its change."""
    times = "exactly once" if exactly_once else "at least once"
    check = bed.report.check
    valid = set(zip(fold.events["partition"].tolist(), fold.events["offset"].tolist()))
    found, repeats, late, wrong = Counter(), Counter(), Counter(), []
    for place, is_valid, failed in outputs.verdicts(bed.bootstrap):
        if failed == [REPEATED]:
            repeats[place] += 1
            continue
        if failed == [LATE]:
            late[place] += 1
            continue
        found[place] += 1
        if is_valid != (place in valid):
            wrong.append(f"{place} has the verdict {is_valid}, {failed}")
    wanted = valid | fold.invalid.keys()
    check(
        f"each of {len(wanted):,} events has a verdict {times}",
        times_wrong(wanted, found, exactly_once),
    )
    check("every verdict is right", wrong)
    for name, events, seen in (("repeated", fold.repeats, repeats), ("late", fold.late, late)):
        wanted = set(zip(events["partition"].tolist(), events["offset"].tolist()))
        check(
            f"each of {len(wanted):,} {name} events has a second verdict {times}",
            # Read again, any event repeats what stands or is late.
            times_wrong(wanted, seen, exactly_once, is_all=exactly_once),
        )
    validated(bed, fold, valid, exactly_once, times)
    dead_letters(bed, fold, exactly_once, times)
    changes(bed, fold, exactly_once, times)


def times_wrong(wanted, found, exactly_once, is_all=True):
    for place in sorted(wanted - found.keys()):
        yield f"{place}: none"
    for place, count in found.items():
        if place not in wanted:
            if not is_all:
                continue
            yield f"{place}: not expected"
        elif exactly_once and count != 1:
            yield f"{place}: {count} times"


def validated(bed, fold, valid, exactly_once, times):
    columns = ["partition", "offset", "user_id", "movie_id", "rating", "ms"]
    rows = []
    for message in outputs.committed(bed.bootstrap, "validated-ratings"):
        event = json.loads(message.value())
        rating = event["rating"]
        rows.append(
            (event["source_partition"], event["source_offset"], event["user_id"])
            + (event["movie_id"], -1.0 if rating is None else rating, event["timestamp_ms"])
        )
    found = Counter((row[0], row[1]) for row in rows)
    bed.report.check(
        f"each of {len(valid):,} valid events is on validated-ratings {times}",
        times_wrong(valid, found, exactly_once),
    )
    got = pandas.DataFrame(rows, columns=columns).drop_duplicates()
    both = got.merge(fold.events[columns], how="outer", indicator=True)
    bed.report.check(
        "validated-ratings says what the events said",
        (f"{row}" for row in both[both["_merge"] != "both"].itertuples(index=False)),
    )
    if not exactly_once:
        bed.report.figure("repeats on validated-ratings", len(rows) - len(found))


def dead_letters(bed, fold, exactly_once, times):
    found, wrong = Counter(), []
    for message in outputs.committed(bed.bootstrap, "user-ratings-dlq"):
        headers = dict(message.headers())
        place = int(headers[ERROR_PREFIX + "partition"]), int(headers[ERROR_PREFIX + "offset"])
        found[place] += 1
        if fold.invalid.get(place) != (message.key(), message.value()):
            wrong.append(f"{place}: its key or value is not the event's")
    bed.report.check(
        f"each of {len(fold.invalid):,} bad events is a dead letter {times}",
        times_wrong(fold.invalid.keys(), found, exactly_once),
    )
    bed.report.check("dead letters are the bad events byte for byte", wrong)


def changes(bed, fold, exactly_once, times):
    """The change of a rating names the validated event it comes from."""
    found = Counter()
    pairs = Counter()
    for message in outputs.committed(bed.bootstrap, "ratings-by-movie"):
        change = json.loads(message.value())
        found[(change["source_partition"], change["source_offset"])] += 1
        pairs[(change["user_id"], change["movie_id"])] += 1
    wanted = Counter(zip(fold.changes["user_id"].tolist(), fold.changes["movie_id"].tolist()))
    problems = [f"{place}: {count} times" for place, count in found.items() if count > 1]
    if exactly_once:
        problems += [
            f"user and movie {pair}: {pairs[pair]} changes, expected {wanted[pair]}"
            for pair in wanted.keys() | pairs.keys()
            if wanted[pair] != pairs[pair]
        ]
    else:
        problems = [
            f"user and movie {pair}: too few" for pair in wanted if pairs[pair] < wanted[pair]
        ]
    bed.report.check(
        f"each of {len(fold.changes):,} changes is on ratings-by-movie {times}", problems
    )


# Stores


def store_contents(bed, fold, owner_of):
    """The stores of stopped daemons hold the ratings in force and nothing else."""
    paths = {
        stage: [
            owner_of(stage, partition).store(stage, partition)
            # Partitions that were added later hold nothing.
            for (_, partition), end in bed.groups.ends([topic]).items()
            if end > 0
        ]
        for stage, topic in (("user", "validated-ratings"), ("movie", "ratings-by-movie"))
    }
    want = fold.ratings()
    want = want.assign(halves=(want["rating"] * 2).round().astype("int64")).drop(columns="rating")
    got = pandas.concat([stores.user_ratings(path) for path in paths["user"]])
    both = want.merge(got, how="outer", indicator=True)
    bed.report.check(
        f"the stores hold the {len(want):,} ratings in force",
        (f"{row}" for row in both[both["_merge"] != "both"].itertuples(index=False)),
    )
    for stage, key in (("user", "user_id"), ("movie", "movie_id")):
        got = {}
        for path in paths[stage]:
            got |= stores.histograms(path)
        table = fold.histograms(key)
        want = dict(zip(table.index.tolist(), table.to_numpy().tolist()))
        bed.report.check(
            f"the stores hold the aggregates of {len(want):,} {stage}s",
            (
                f"{each}: {got.get(each)}, expected {want.get(each)}"
                for each in sorted(want.keys() | got.keys())
                if want.get(each) != got.get(each)
            ),
        )

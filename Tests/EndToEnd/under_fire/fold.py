"""The independent fold: what must become of `user-ratings`, computed from the topic alone.

Shares no code with the daemon. Definitions are those of Sources/Pipeline/Pipeline.docc/Stages.md
and of expected_features.py.
"""

import json
import re

import numpy
import pandas

from expected_features import movie_features, user_features

# What nearly all events look like; the others are judged one by one.
RETRACTS = re.compile(r"\d{1,10}:\d{1,19}")
PLAIN = re.compile(
    rb'\{"user_id":(\d{1,18}),"movie_id":(\d{1,18}),"rating":(null|\d\.\d),"timestamp":(\d{1,12})\}'
)
EARLIEST_MS = 788_918_400_000
LEAD_MS = 60_000
EVENT_TYPES = {"rating", "view", "click", "search"}


class Invalid(Exception):
    pass


def judge(value):
    """The user, movie, rating (None takes it back) and milliseconds of a rating's event, and the
    (partition, offset) that a take-back names, or None.

    Raises `Invalid`. Knows what the load of these tests may hold, no ISO 8601 and no other types of
    events.
    """
    named = None
    plain = PLAIN.fullmatch(value or b"")
    if plain:
        user, movie, rating, seconds = plain.groups()
        rating = None if rating == b"null" else float(rating)
        milliseconds = int(seconds) * 1000
    else:
        event = parse(value)
        if event.get("event_type", "rating") not in EVENT_TYPES:
            raise Invalid("event_type")
        user, movie = (identifier(event.get(name)) for name in ("user_id", "movie_id"))
        if "rating" not in event:
            raise Invalid("rating")
        rating = event["rating"]
        if rating is not None and (isinstance(rating, bool) or not isinstance(rating, float | int)):
            raise Invalid("rating")
        seconds = event.get("timestamp")
        if isinstance(seconds, bool) or not isinstance(seconds, float | int):
            raise Invalid("timestamp")
        milliseconds = round(seconds * 1000)
        check_extras(event)
        named = retracts(event)
    if rating is not None and (not 0.5 <= rating <= 5.0 or (rating * 2) % 1 != 0):
        raise Invalid("rating")
    if milliseconds < EARLIEST_MS:
        raise Invalid("timestamp")
    return int(user), int(movie), rating, milliseconds, named


def parse(value):
    def no_constant(name):
        raise Invalid(name)

    def no_repetition(pairs):
        if len(dict(pairs)) != len(pairs):
            raise Invalid("a key twice")
        return dict(pairs)

    try:
        event = json.loads(
            (value or b"").decode("utf-8"),
            parse_constant=no_constant,
            object_pairs_hook=no_repetition,
        )
    except (ValueError, RecursionError) as error:
        raise Invalid(str(error)) from error
    if not isinstance(event, dict):
        raise Invalid("no object")
    return event


def identifier(value):
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise Invalid("an id")
    return value


def check_extras(event):
    session = event.get("session_id", "")
    if not isinstance(session, str) or len(session.encode()) > 128:
        raise Invalid("session_id")
    genres = event.get("genres", [])
    if not isinstance(genres, list) or any(
        not isinstance(genre, str) or not 1 <= len(genre.encode()) <= 32 for genre in genres
    ):
        raise Invalid("genres")


def retracts(event):
    text = event.get("retracts")
    if text is None:
        return None
    if not isinstance(text, str) or not RETRACTS.fullmatch(text) or event["rating"] is not None:
        raise Invalid("retracts")
    return tuple(int(number) for number in text.split(":"))


# How many events of one user and movie can be taken back by name; the first ones are.
MOST_NAMED = 1000

# What is said of a user and movie stands if it is the newest by these, in this order.
ORDER = ["ms", "timestamp", "partition", "offset"]


class Fold:
    """Folds the records of `user-ratings`: the newest event of each user and movie stands, whatever
    the order in which they came."""

    def __init__(self, records, catalog):
        """`records` are (partition, offset, key, value, timestamp), `catalog` values of movies."""
        rows = []
        named = {}
        self.invalid = {}
        for partition, offset, key, value, timestamp in records:
            try:
                user, movie, rating, milliseconds, retracted = judge(value)
                if milliseconds > timestamp + LEAD_MS and timestamp >= EARLIEST_MS:
                    raise Invalid("timestamp")
            except Invalid:
                self.invalid[(partition, offset)] = (key, value)
                continue
            if retracted is not None:
                names = named.setdefault((user, movie), set())
                if len(names) < MOST_NAMED:
                    names.add(retracted)
            rows.append(
                (partition, offset, user, movie, -1.0 if rating is None else rating, milliseconds)
                + (timestamp,)
            )
        events = pandas.DataFrame(
            rows, columns=["partition", "offset", "user_id", "movie_id", "rating", "ms", "timestamp"]
        ).astype({"partition": "int32", "offset": "int64", "rating": "float64"})
        self.events = events.sort_values(["partition", "offset"], ignore_index=True)
        places = zip(*(self.events[name] for name in ("user_id", "movie_id", "partition", "offset")))
        self.is_retracted = numpy.array(
            [
                (partition, offset) in named.get((user, movie), ())
                for user, movie, partition, offset in places
            ],
            dtype=bool,
        )
        self.movies = movie_table(catalog)
        self._find_changes()

    @property
    def count(self):
        """How many events there are, invalid ones included."""
        return len(self.events) + len(self.invalid)

    def _find_changes(self):
        """Which events change what stands, which repeat it, and which come after something newer,
        when they come in each partition's order. Knows nothing of take-backs that name events."""
        standing = {}
        kinds = []
        columns = ["user_id", "movie_id", "rating", *ORDER]
        for user, movie, rating, *order in self.events[columns].itertuples(index=False, name=None):
            place, said = tuple(order), (rating, order[0])
            before = standing.get((user, movie))
            if before is None or place > before[0]:
                kinds.append("repeat" if before and before[1] == said else "change")
                standing[(user, movie)] = (place, said)
            else:
                kinds.append("repeat" if before[1] == said else "late")
        kinds = numpy.array(kinds, dtype=object)
        self.changes, self.repeats, self.late = (
            self.events[kinds == kind] for kind in ("change", "repeat", "late")
        )

    def standing(self):
        """What stands of each user and movie at the end; a rating of -1 is one taken back."""
        known = self.events[~self.is_retracted].sort_values(ORDER, kind="stable")
        return known.drop_duplicates(["user_id", "movie_id"], keep="last")

    def ratings(self):
        """The ratings in force at the end."""
        last = self.standing()
        return last[last["rating"] >= 0][["user_id", "movie_id", "rating", "ms"]]

    def features(self):
        """Users' and movies' features, by id."""
        ratings = self.ratings()
        return user_features(ratings, self.movies), movie_features(ratings)

    def histograms(self, key):
        """How many ratings of 1 to 10 half stars each user or movie has, by id."""
        ratings = self.ratings()
        halves = (ratings["rating"] * 2).round().astype("int64")
        table = pandas.crosstab(ratings[key], halves)
        return table.reindex(columns=range(1, 11), fill_value=0).astype(numpy.int64)


def movie_table(catalog):
    movies = pandas.DataFrame([json.loads(value) for value in catalog])
    movies["genres"] = [
        genres if isinstance(genres, str) else "|".join(genres or []) for genres in movies["genres"]
    ]
    return movies[["movie_id", "title", "genres"]]

"""Reads the daemon's stores with LMDB's own mdb_dump, decoded as Stages.md lays them out."""

import subprocess

import pandas


def dump(path, table):
    """A table's keys and values in their order, as of the last commit."""
    result = subprocess.run(
        ["mdb_dump", "-s", table, path], capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise RuntimeError(f"mdb_dump can't read {table} of {path}: {result.stderr.strip()}")
    lines = result.stdout.split("HEADER=END\n", 1)[1].splitlines()
    content = [bytes.fromhex(line) for line in lines if line.startswith(" ")]
    return list(zip(content[0::2], content[1::2]))


def changelog_offset(path):
    """The changelog offset a store stands for, -1 for a new one; also of a store in use."""
    offset = dict(dump(path, "meta")).get(b"\0changelog-offset")
    return -1 if offset is None else int.from_bytes(offset, "big")


def identifiers(key):
    """A key is one or two numbers, each with its length in front."""
    numbers = []
    while key:
        length = key[0]
        numbers.append(int.from_bytes(key[1 : 1 + length], "big"))
        key = key[1 + length :]
    return tuple(numbers)


class Reader:
    def __init__(self, value):
        self.value = value
        self.at = 0

    def byte(self):
        self.at += 1
        return self.value[self.at - 1]

    def varint(self):
        number = shift = 0
        while True:
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    def signed(self):
        number = self.varint()
        return (number >> 1) ^ -(number & 1)

    def histogram(self):
        mask = self.varint()
        return [self.varint() if mask >> bucket & 1 else 0 for bucket in range(10)]

    def statistics_end(self):
        """Skips statistics; returns where they end."""
        if any(self.histogram()):
            self.signed()
            self.varint()
            days = self.varint()
            for _ in range(days.bit_count()):
                self.varint()
        return self.at


def user_ratings(path):
    """The ratings among the rows of `ratings`, which holds take-backs as well: user, movie, half
    stars and milliseconds."""
    rows = []
    for key, value in dump(path, "ratings"):
        reader = Reader(value)
        reader.byte()
        halves = reader.byte() & 0x0F
        if halves:
            rows.append((*identifiers(key), halves, reader.signed()))
    return pandas.DataFrame(rows, columns=["user_id", "movie_id", "halves", "ms"])


def histograms(path):
    """The histogram of each aggregate of a store that has ratings, users' or movies', by id."""
    found = {}
    for key, value in dump(path, "aggregates"):
        reader = Reader(value)
        reader.byte()
        reader.varint()
        histogram = reader.histogram()
        if any(histogram):
            found[identifiers(key)[0]] = histogram
    return found


def user_bytes(path):
    """All that must be the same after any run over the same events, by table."""
    return {table: dump(path, table) for table in ("aggregates", "ratings", "genres")}


def movie_bytes(path):
    """The same of movies: the aggregates' statistics, and the times that remain.

    Changes of one movie come from several user partitions, in an order that differs from run to
    run; so do the count of changes since there were none, and the journal. The offsets of sources
    differ with the transactions' markers.
    """
    aggregates = []
    for key, value in dump(path, "aggregates"):
        reader = Reader(value)
        reader.byte()
        reader.varint()
        start = reader.at
        aggregates.append((key, value[start : reader.statistics_end()]))
    times = {}
    for key, block in dump(path, "times"):
        movie = identifiers(key)[0]
        reader = Reader(block)
        while reader.at < len(block):
            entry = reader.varint()
            time = entry >> 1
            counts = times.setdefault(movie, {})
            counts[time] = counts.get(time, 0) + (-1 if entry & 1 else 1)
    remaining = [
        (movie, tuple(sorted((time, count) for time, count in counts.items() if count)))
        for movie, counts in sorted(times.items())
    ]
    return {"aggregates": aggregates, "times": [each for each in remaining if each[1]]}

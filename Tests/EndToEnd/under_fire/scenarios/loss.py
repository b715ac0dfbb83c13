"""Stores that are deleted, truncated, damaged, old, unwritable, or on a full disk.

Each must give a clear message and the right reaction: rebuild, roll forward, wait, or stop. Never
wrong features: after each case more events come, and features and stores are held against the fold.
"""

import os
import random
import shutil
import subprocess

from under_fire import checks
from under_fire.scenarios import MOVIELENS, SMALL
from under_fire.waiting import wait_until

LONG = MOVIELENS | {"events": 500_000, "kills": 1}
SHORT = SMALL | {"events": 40_000, "kills": 1}

PAGE = 4096
NOBODY = 65534
DAMAGED = ("user", 0)
RESTORED, REBUILT = "state restored", "rebuilding state"
# Damage that shows only when a page or a value is read ends the session; the next one rebuilds.
BAD_PAGE, BAD_VALUE = "can't read the store at", "holds a value that can't be read"


def run(bed):
    daemon = bed.daemon("one")
    daemon.start()
    bed.send(0.4)
    bed.groups.wait_until_caught_up(seconds=300, daemons=[daemon])
    daemon.stop()
    old_copy = keep_copy(daemon)
    cases = [
        ("an older copy", lambda: put_back(daemon, old_copy), [RESTORED]),
        ("a deleted store", lambda: delete(daemon), [RESTORED]),
        ("a truncated file", lambda: truncate(daemon), [REBUILT]),
        ("damaged meta pages", lambda: flip(daemon, bed.random, range(0, 2)), [REBUILT]),
        ("damaged pages", lambda: flip(daemon, bed.random, None), [REBUILT, BAD_PAGE, BAD_VALUE]),
        ("a store that was open when the machine went down", lambda: tear(daemon), [REBUILT]),
    ]
    for name, damage, expected in cases:
        bed.report.progress(f"case: {name}")
        damage()
        bed.send(0.07)
        daemon.start()
        daemon.wait_until_ready()
        bed.groups.wait_until_caught_up(seconds=120, daemons=[daemon])
        bed.report.check(
            f"{name}: the log says {' or '.join(expected)}",
            [] if any(daemon.says(text) for text in expected) else ["it does not"],
        )
        judge(bed, daemon, name)
    removed_in_use(bed, daemon)
    unwritable(bed, daemon)
    full_disk(bed)


def removed_in_use(bed, daemon):
    name = "a store removed under the running daemon"
    bed.report.progress(f"case: {name}")
    daemon.start()
    daemon.wait_until_ready()
    delete(daemon)
    bed.send(0.03)
    bed.groups.wait_until_caught_up(seconds=120, daemons=[daemon])
    said = daemon.says(REBUILT, "was removed while it was in use")
    bed.report.check(f"{name}: the log says so", [] if said else [daemon.last_words()])
    judge(bed, daemon, name)


def judge(bed, daemon, name):
    """Features, and once the daemon is stopped, stores."""
    fold = checks.fold_of(bed)
    with bed.report.as_one(f"{name}: no wrong features or stores"):
        checks.features(bed, fold, 60)
        daemon.stop()
        checks.store_contents(bed, fold, lambda *_: daemon)


# Damage


def keep_copy(daemon):
    copy = f"{daemon.state}-copy"
    shutil.copytree(daemon.store(*DAMAGED), copy)
    return copy


def put_back(daemon, copy):
    delete(daemon)
    shutil.copytree(copy, daemon.store(*DAMAGED))


def delete(daemon):
    shutil.rmtree(daemon.store(*DAMAGED))


def data_file(daemon):
    return f"{daemon.store(*DAMAGED)}/data.mdb"


def truncate(daemon):
    path = data_file(daemon)
    os.truncate(path, os.path.getsize(path) // 2 // PAGE * PAGE)


def flip(daemon, source, pages):
    """Inverts some bytes: in the pages named, or in an eighth of all behind the meta pages."""
    path = data_file(daemon)
    count = os.path.getsize(path) // PAGE
    if pages is None:
        pages = source.sample(range(2, count), max(1, (count - 2) // 8))
    with open(path, "r+b") as file:
        for page in pages:
            for _ in range(16):
                place = page * PAGE + source.randrange(PAGE)
                file.seek(place)
                byte = file.read(1)[0]
                file.seek(place)
                file.write(bytes([byte ^ 0xFF]))


def tear(daemon):
    """As the mark is left when the power goes: open, under another boot's id."""
    with open(f"{daemon.store(*DAMAGED)}/mark", "w", encoding="ascii") as file:
        file.write("open 00000000-0000-4000-8000-000000000000")


# Permissions and space


def unwritable(bed, daemon):
    """Root may write anything, so this runs as nobody."""
    name = "a store without write permission"
    bed.report.progress(f"case: {name}")
    options = {}
    if os.geteuid() == 0:
        os.chmod(bed.directory, 0o711)
        subprocess.run(["chown", "-R", str(NOBODY), daemon.state], check=True)
        options = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        version = [daemon.binary, "--version"]
        tried = subprocess.run(version, check=False, capture_output=True, **options)
        if tried.returncode != 0:
            return bed.report.skip(name, "nobody may not run the program")
    store = daemon.store(*DAMAGED)
    modes = {path: os.stat(path).st_mode for path in (store, f"{store}/data.mdb", f"{store}/mark")}
    for path in modes:
        os.chmod(path, 0o500 if path == store else 0o400)
    bed.send(0.03)
    daemon.start(**options)
    wait_until(lambda: not daemon.is_running, 60, "the daemon stops because it may not write")
    said = daemon.says("ermission denied", store)
    bed.report.check(f"{name}: the message names it", [] if said else [daemon.last_words()])
    bed.report.check(
        f"{name}: the exit code says failure",
        [] if daemon.exit_code == 1 else [f"it is {daemon.exit_code}"],
    )
    for path, mode in modes.items():
        os.chmod(path, mode)
    daemon.start(**options)
    daemon.wait_until_ready()
    bed.groups.wait_until_caught_up(seconds=120, daemons=[daemon])
    judge(bed, daemon, name)


def full_disk(bed):
    """The state of a daemon on a file system of its own that somebody else fills."""
    name = "a full disk"
    bed.report.progress(f"case: {name}")
    place = bed.make_directory("small-disk")
    megabytes = 64 + bed.options.events // 2_000
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "storm", place]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        return bed.report.skip(name, "can't mount a file system here")
    try:
        daemon = bed.daemon("small", state__directory=f"{place}/state")
        daemon.start()
        daemon.wait_until_ready()
        bed.groups.wait_until_caught_up(seconds=120, daemons=[daemon])
        fill(place)
        load = bed.start_load(1.0)
        load.finish()

        def says_so():
            # A commit that is cut short is called an input/output error.
            return not daemon.is_running or daemon.says("disk_full")

        wait_until(says_so, 60, "the daemon says that the disk is full")
        bed.report.check(
            f"{name}: the daemon says so and waits",
            [] if daemon.is_running else [f"it ended with {daemon.exit_code}", daemon.last_words()],
        )
        os.remove(f"{place}/filler")
        if not daemon.is_running:
            daemon.start()
        bed.groups.wait_until_caught_up(seconds=120, daemons=[daemon])
        bed.report.check(
            f"{name}: nothing is rebuilt for it", [str(each) for each in daemon.says(REBUILT)]
        )
        checks.everything(bed, [daemon], bed.options.guarantee == "exactly_once")
    finally:
        for each in bed.daemons:
            each.kill()
        subprocess.run(["umount", place], check=False)


def fill(place):
    """Writes until nothing more goes."""
    block = random.Random(1).randbytes(1 << 16)
    with open(f"{place}/filler", "wb", buffering=0) as file:
        while True:
            try:
                if file.write(block) < len(block):
                    return
            except OSError:
                return

"""One instance of the daemon with its own name and state directory."""

import json
import os
import shutil

from under_fire.events import Follower
from under_fire.process import Process
from under_fire.waiting import wait_until

APPLICATION = "storm"

# Of librdkafka, of Swift, and of a frame of a backtrace.
CRASH_WORDS = ("assert", "Fatal error", "Crash", " in rd_kafka", " in static")


class Daemon(Process):
    def __init__(self, binary, directory, name, settings):
        """`settings` are lines of its configuration by key."""
        self.name = name
        self.configuration = f"{directory}/{name}.yaml"
        super().__init__(
            [binary, "run", "--config", self.configuration], f"{directory}/{name}.log"
        )
        self.binary = binary
        self.settings = {
            "application": APPLICATION,
            "instance": name,
            "state.directory": f"{directory}/{name}-state",
            "log.format": "json",
        } | settings
        prefix = self.settings.get("topics.prefix", "")
        self.application = self.settings["application"]
        self.state = self.settings["state.directory"]
        # Where its application keeps everything.
        self.home = f"{self.state}/{prefix + '.' if prefix else ''}{self.application}"
        self._log_start = 0
        self._followers = []
        self.write_configuration()

    def write_configuration(self):
        with open(self.configuration, "w", encoding="utf-8") as file:
            for key, value in self.settings.items():
                file.write(f"{key}: {value}\n")

    def start(self, **options):
        self._log_start = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        super().start(**options)
        child = self._child
        self._followers.append(
            Follower(f"{self.home}/events.sock", lambda: child.poll() is None)
        )

    # What it says

    def events(self, *names, whole=False):
        """Its events with one of these names since it was started last, or all; no batches."""
        followers = self._followers if whole else self._followers[-1:]
        return [event for follower in followers for event in follower.events(*names)]

    def entries(self, whole=False):
        """Its log since it was started last, or all of it: an object a line."""
        with open(self.log_path, "rb") as file:
            file.seek(0 if whole else self._log_start)
            lines = file.read().splitlines()
        entries = []
        for line in lines:
            try:
                entries.append(json.loads(line))
            except ValueError:
                # Errors that end it are printed for people; kill -9 may cut a line short.
                entries.append({"level": "text", "message": line.decode("utf-8", "replace")})
        return entries

    def says(self, *texts, whole=False):
        """The entries whose line holds all of the texts."""
        return [
            entry
            for entry in self.entries(whole)
            if all(text in json.dumps(entry, ensure_ascii=False) for text in texts)
        ]

    @property
    def is_ready(self):
        """Whether all its stages have had their partitions since it was started last."""
        return self._followers[-1].is_ready

    def wait_until_ready(self, seconds=90):
        def ready():
            if not self.is_running:
                raise RuntimeError(
                    f"{self.name} has ended with {self.exit_code}: {self.last_words()}"
                )
            return self.is_ready

        wait_until(ready, seconds, f"{self.name} is ready")

    def last_words(self):
        """The end of its log, and of a crash what stands above the backtrace."""
        entries = [entry for entry in self.entries() if entry.get("message")]
        crash = [
            entry
            for entry in entries
            if entry["level"] == "text" and any(word in entry["message"] for word in CRASH_WORDS)
        ]
        return " | ".join(json.dumps(entry) for entry in crash[:20] + entries[-3:])

    # Where its state is

    def store(self, stage, partition):
        """The directory of a partition's store."""
        return f"{self.home}/{stage}/{partition}"

    def partitions(self, stage):
        """The partitions that have a store here."""
        directory = f"{self.home}/{stage}"
        if not os.path.isdir(directory):
            return []
        return sorted(int(name) for name in os.listdir(directory) if name.isdigit())

    def keep_state(self):
        """Puts a copy of all its stores aside."""
        shutil.copytree(self.home, f"{self.state}-kept")

    def put_state_back(self):
        """Replaces its stores by the copy."""
        shutil.rmtree(self.home, ignore_errors=True)
        os.rename(f"{self.state}-kept", self.home)

    def clear_state(self):
        """Deletes all its stores."""
        shutil.rmtree(self.home)

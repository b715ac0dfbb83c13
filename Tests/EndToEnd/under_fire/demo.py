"""`projectionist demo` as a process of its own, and what is left of it in the end."""

import glob
import os
import pty
import signal
import subprocess
import tempfile
import threading
import uuid

from under_fire.waiting import look_until, wait_until

MARK = "DEMO_UNDER_TEST"
# Of Swift.
CRASH_WORDS = ("Fatal error", "Crash", "backtrace", "Illegal instruction")


class Demo:
    """All of its processes are known by a variable in their environment."""

    def __init__(self, binary, *arguments, environment=None, directory=None):
        self.command = [binary, "demo", *arguments]
        self.directory = tempfile.mkdtemp(prefix="demo-", dir=directory)
        self.mark = uuid.uuid4().hex
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PROJECTIONIST_", "REDIS_", "KAFKA_BOOTSTRAP", "KAFKA_BROKER"))
            and name != "SERVICE_NAME"
        }
        self.environment = kept | (environment or {}) | {MARK: self.mark, "TMPDIR": self.directory}
        self.lines = []
        self.errors = f"{self.directory}/errors"
        self._terminal = None

    def start(self, on_terminal=False):
        # Whoever runs the tests under nohup ignores hangups, which children inherit.
        options = {
            "start_new_session": True,
            "env": self.environment,
            "preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
        }
        if on_terminal:
            self._terminal, end = pty.openpty()
            # Its controlling terminal, so that closing it hangs it up.
            self._child = subprocess.Popen(
                ["setsid", "--ctty", "--wait", *self.command], stdin=end, stdout=end, stderr=end,
                env=self.environment,
            )
            os.close(end)
            self._output = os.fdopen(os.dup(self._terminal), "rb", buffering=0)
        else:
            with open(self.errors, "ab") as errors:
                self._child = subprocess.Popen(
                    self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                    **options,
                )
            self._output = self._child.stdout

    def read_lines(self, count):
        """Reads so many lines of what it shows, and no more."""
        for _ in range(count):
            self.lines.append(self._output.readline().decode("utf-8", "replace").rstrip())

    def read_until(self, text):
        """Reads until a line has the text."""
        while not (self.lines and text in self.lines[-1]):
            line = self._output.readline()
            if not line:
                raise RuntimeError(f"it ended before it said {text!r}: {self.lines} {self.said()}")
            self.lines.append(line.decode("utf-8", "replace").rstrip())

    def drain(self):
        """Reads on in the background, so that it never waits for its reader."""
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self):
        try:
            while self._output.read(4096):
                pass
        except (OSError, ValueError):
            pass

    def said(self):
        """What it has said on standard error."""
        if not os.path.exists(self.errors):
            return ""
        with open(self.errors, encoding="utf-8", errors="replace") as file:
            return file.read()

    # How it ends

    def close_output(self):
        self._output.close()

    def close_terminal(self):
        self._output.close()
        os.close(self._terminal)

    def signal(self, number):
        for process in self.processes():
            if self._is_front(process):
                os.kill(process, number)

    def _is_front(self, process):
        with open(f"/proc/{process}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
        return words[1:2] == [b"demo"]

    def wait(self, seconds):
        return self._child.wait(seconds)

    # What is left

    def processes(self):
        """The ids of all its processes, whatever they descend from."""
        found = []
        wanted = f"{MARK}={self.mark}".encode()
        for path in glob.glob("/proc/[0-9]*/environ"):
            try:
                with open(path, "rb") as file:
                    if wanted in file.read().split(b"\0"):
                        found.append(int(path.split("/")[2]))
            except OSError:
                pass
        return found

    def files(self):
        return [name for name in os.listdir(self.directory) if name != "errors"]

    def remains(self):
        for process in self.processes():
            try:
                with open(f"/proc/{process}/cmdline", "rb") as file:
                    yield f"process {process}: {file.read().replace(bytes(1), b' ').decode()[:200]}"
            except OSError:
                pass
        for name in self.files():
            yield f"file {name}"

    def problems_after(self, seconds, more=lambda: []):
        """What is left after so many seconds, `more` included, or of how it ended."""
        problems = look_until(
            lambda found: not found, lambda: [*self.remains(), *more()], seconds, pause=0.2
        )
        if any(word in self.said() for word in CRASH_WORDS):
            problems.append(f"it crashed: {self.said()[-2000:]}")
        return problems

    def kill_all(self):
        for process in self.processes():
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass


def endings():
    """The ways in which a demo ends, by name: whether it runs on a terminal, and what ends it."""
    return {
        "its output is closed": (False, lambda demo: demo.close_output()),
        "kill -9": (False, lambda demo: (demo.drain(), demo.signal(signal.SIGKILL))),
        "SIGTERM": (False, lambda demo: (demo.drain(), demo.signal(signal.SIGTERM))),
        "SIGQUIT": (False, lambda demo: (demo.drain(), demo.signal(signal.SIGQUIT))),
        "SIGHUP": (False, lambda demo: (demo.drain(), demo.signal(signal.SIGHUP))),
        "its terminal is closed": (True, lambda demo: demo.close_terminal()),
    }


def ends_clean(make_demo, name, seconds, more=lambda: []):
    """Starts a demo, ends it in the way of that name, and returns what is wrong then."""
    on_terminal, end = endings()[name]
    demo = make_demo()
    demo.start(on_terminal)
    try:
        # What it shows has a line's end only where there is no terminal.
        demo.read_until("daemon" if on_terminal else " lag: intake ")
        wait_until(lambda: len(demo.processes()) > 2, 20, "it has processes of its own")
        end(demo)
        return demo.problems_after(seconds, more)
    finally:
        demo.kill_all()

"""A child process that is started, stopped, killed and paused."""

import os
import signal
import socket
import subprocess


def free_ports(count):
    """Loopback ports that nothing listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


class Process:
    """Whatever it prints is appended to a log file."""

    def __init__(self, command, log_path, environment=None):
        self.command = command
        self.log_path = log_path
        self.environment = environment
        self._child = None

    def start(self, **options):
        assert not self.is_running, f"{self.command[0]} runs already"
        # The environment of a developer's shell must not reach what is tested.
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PROJECTIONIST_", "KAFKA_", "REDIS_"))
            and name != "SERVICE_NAME"
        }
        environment.update(self.environment or {})
        with open(self.log_path, "ab") as log:
            self._child = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                # Ctrl-C ends the harness, which then ends its children in order.
                start_new_session=True,
                **options,
            )

    @property
    def pid(self):
        return self._child.pid

    @property
    def is_running(self):
        return self._child is not None and self._child.poll() is None

    @property
    def exit_code(self):
        """The code of a process that has ended; negative for a signal."""
        return None if self._child is None else self._child.poll()

    def signal(self, number):
        self._child.send_signal(number)

    def kill(self):
        """kill -9."""
        if self.is_running:
            self._child.kill()
            self._child.wait()

    def stop(self, seconds=30):
        """SIGTERM, and kill -9 when that is not enough. Returns the exit code."""
        if self.is_running:
            self._child.send_signal(signal.SIGCONT)
            self._child.terminate()
            try:
                self._child.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.exit_code

    def wait(self, seconds):
        """Waits for its end and returns the exit code; raises `TimeoutExpired`."""
        return self._child.wait(seconds)

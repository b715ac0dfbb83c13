"""What listens on one port: a redis-server, or something that stands in its place."""

import contextlib
import os
import shutil
import socket
import threading

import redis
from under_fire.process import Process
from under_fire.waiting import wait_until

# The daemon's own, at every redis-server here.
USER, PASSWORD = "feast", "s3cret"
OLD_SCRIPT_ERROR = (
    "-ERR Error running script (call to f_aa): @user_script:23: @user_script: 23: -OOM command not"
    " allowed when used memory > 'maxmemory'.\r\n"
)


class Server:
    """What listens on the port."""

    def __init__(self, directory, port):
        self.directory = directory
        self.port = port
        self._process = None
        self._noise = None

    def start(self, *options, port=None):
        """A redis-server with a user of the daemon's; whatever listened before is gone."""
        self.stop()
        plain = str(self.port if port is None else port)
        self._process = Process(
            ["redis-server", "--port", plain, "--bind", "127.0.0.1", "--dir", self.directory]
            + ["--save", "", "--appendonly", "no", "--loglevel", "warning"]
            + ["--user", USER, "on", f">{PASSWORD}", "~*", "&*", "+@all", *options],
            f"{self.directory}/redis.log",
        )
        self._process.start()
        wait_until(self._listens, 20, f"redis-server {' '.join(options)} listens")

    def _listens(self):
        if not self._process.is_running:
            with open(f"{self.directory}/redis.log", encoding="utf-8") as file:
                raise RuntimeError(f"redis-server has ended: {file.read()[-300:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def stand_in(self, answer):
        """A server that sends whatever `answer` makes of the arguments of each command."""
        self.stop()
        self._noise = StandIn(self.port, answer)

    def stop(self):
        """The data stays for the next redis-server: one that is empty is another condition."""
        if self._process is not None:
            with contextlib.suppress(redis.RedisError, OSError):
                client = redis.Redis("127.0.0.1", self.port, socket_timeout=1)
                client.save()
                place = client.config_get("dir")["dir"]
                if not os.path.samefile(place, self.directory):
                    shutil.copy(f"{place}/dump.rdb", self.directory)
            self._process.kill()
        if self._noise is not None:
            self._noise.close()
        self._process = self._noise = None


class StandIn:
    """Answers commands by a function of their arguments; after `None` it hangs up."""

    def __init__(self, port, answer):
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", port))
        self._clients = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self._clients.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError, ValueError), client, client.makefile("rb") as lines:
            while line := lines.readline():
                # Something else than a command of Redis, such as a handshake, is hung up on.
                if not line.startswith(b"*"):
                    return
                arguments = []
                for _ in range(int(line[1:])):
                    length = int(lines.readline()[1:])
                    arguments.append(lines.read(length + 2)[:-2])
                reply = self._answer(arguments)
                if reply is None:
                    return
                client.sendall(reply)

    def close(self):
        # A thread that waits in accept keeps the port otherwise.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)


def old_server(record):
    """Answers as Redis 6 that is out of memory, with the record that was there."""
    fields = b"".join(bulk(part) for pair in record.items() for part in pair)
    replies = {
        b"AUTH": b"+OK\r\n",
        b"PING": b"+PONG\r\n",
        b"INFO": bulk(b"redis_version:6.0.16\r\n"),
        b"HGETALL": b"*%d\r\n" % (2 * len(record)) + fields,
        b"SCRIPT": bulk(b"a" * 40),
        b"SCAN": b"*2\r\n$1\r\n0\r\n*0\r\n",
        b"EVALSHA": OLD_SCRIPT_ERROR.encode(),
        b"EVAL": OLD_SCRIPT_ERROR.encode(),
    }
    return lambda arguments: replies.get(arguments[0].upper(), b"+OK\r\n")


def bulk(data):
    return b"$%d\r\n%s\r\n" % (len(data), data)


def without_scripts(arguments):
    if arguments[0] in (b"SCRIPT", b"EVAL", b"EVALSHA"):
        return b"-ERR unknown command `%s`, with args beginning with: `x`, \r\n" % arguments[0]
    answers = {b"HGETALL": b"*0\r\n", b"SCAN": b"*2\r\n$1\r\n0\r\n*0\r\n"}
    return answers.get(arguments[0], b"+OK\r\n")

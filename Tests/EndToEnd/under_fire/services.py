"""The Apache Kafka node and the Redis that a scenario runs on."""

import os
import shutil
import subprocess

import redis
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from under_fire.process import Process, free_ports
from under_fire.waiting import wait_until

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://{bootstrap},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://{bootstrap}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={directory}/kafka-data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
"""


class KafkaNode(Process):
    """A single node in KRaft mode. Started again, it keeps its data."""

    def __init__(self, home, directory, **properties):
        """`properties` are added to its configuration; underscores stand for dots."""
        port, controller = free_ports(2)
        self.extra = {name.replace("_", "."): value for name, value in properties.items()}
        self.home = home
        self.bootstrap = f"127.0.0.1:{port}"
        path = f"{directory}/server.properties"
        super().__init__(
            [f"{home}/bin/kafka-server-start.sh", path],
            f"{directory}/kafka.log",
            {
                "KAFKA_HEAP_OPTS": "-Xms256m -Xmx768m",
                "LOG_DIR": f"{directory}/kafka-logs",
                "KAFKA_GC_LOG_OPTS": " ",
            },
        )
        self.controller, self.directory, self.properties = controller, directory, path
        self.write_properties()
        self.cluster = self.tool("kafka-storage.sh", "random-uuid").strip()
        self._format()

    def write_properties(self):
        """The last of several lines for a property counts."""
        text = PROPERTIES.format(
            bootstrap=self.bootstrap, controller=self.controller, directory=self.directory
        )
        text += "".join(f"{name}={value}\n" for name, value in self.extra.items())
        with open(self.properties, "w", encoding="utf-8") as file:
            file.write(text)

    def _format(self):
        self.tool("kafka-storage.sh", "format", "-t", self.cluster, "-c", self.properties)

    def make_again(self):
        """Starts it again with the same name and cluster id, and nothing in it."""
        self.stop()
        shutil.rmtree(f"{self.directory}/kafka-data")
        self._format()
        self.start()

    def tool(self, name, *arguments):
        """Runs one of Kafka's own scripts and returns what it prints."""
        result = subprocess.run(
            [f"{self.home}/bin/{name}", *arguments],
            env=os.environ | self.environment | {"KAFKA_HEAP_OPTS": "-Xmx256m"},
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise RuntimeError(f"{name} failed: {result.stdout}{result.stderr}")
        return result.stdout

    def start(self, **options):
        super().start(**options)
        wait_until(self._answers, 90, "the broker answers", pause=0.2)

    def _answers(self):
        if not self.is_running:
            raise RuntimeError(f"the broker has ended; see {self.log_path}")
        try:
            AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0}).list_topics(
                timeout=2
            )
            return True
        except KafkaException:
            return False

    def log_size(self):
        """How long its log is now; for `log_since`."""
        return os.path.getsize(self.log_path)

    def log_since(self, size):
        with open(self.log_path, "rb") as file:
            file.seek(size)
            return file.read().decode("utf-8", "replace")


class RedisNode(Process):
    """Holds nothing on disk."""

    def __init__(self, directory):
        (self.port,) = free_ports(1)
        super().__init__(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
            + ["--dir", directory, "--save", "", "--appendonly", "no"],
            f"{directory}/redis.log",
        )

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self, **options):
        super().start(**options)
        wait_until(self._answers, 20, "Redis answers")

    def _answers(self):
        try:
            return redis.Redis("127.0.0.1", self.port).ping()
        except redis.RedisError:
            return False

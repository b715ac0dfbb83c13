"""Clusters that refuse something: transactions, rights, credentials, record times.

`check` finds each before the start and says what to do; `run` says the same when it meets it, ends
where waiting is of no use, and stops at once where it waits.
"""

import json
import time

from confluent_kafka import Producer
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ConfigResource,
    ResourcePatternType,
    ResourceType,
)

from under_fire import outputs
from under_fire.process import free_ports
from under_fire.scenarios import SMALL
from under_fire.services import KafkaNode
from under_fire.waiting import wait_until

LONG = SHORT = SMALL | {"events": 200, "users": 20, "movies": 20, "kills": 1}

SUCCESS, UNAVAILABLE, DENIED, CONFIGURATION = 0, 69, 77, 78
DAY_MS = 86_400_000
TWO_YEARS_MS = 730 * DAY_MS
USER, PASSWORD = "pj", "secret"
# How soon a daemon that waits says why, and how soon it ends when it is to stop.
SOON, AT_ONCE = 15, 3
RIGHTS_IN_FORCE = 30


def run(bed):
    record_times(bed)
    port, lost, closed = free_ports(3)
    node = KafkaNode(bed.options.kafka_home, bed.make_directory("picky"), **picky(port))
    # `PLAINTEXT` is whoever may do everything.
    node.extra["listeners"] = (
        f"PLAINTEXT://{node.bootstrap},CONTROLLER://127.0.0.1:{node.controller},"
        f"SASL://127.0.0.1:{port},LOST://127.0.0.1:{lost}"
    )
    node.extra["advertised.listeners"] = (
        f"PLAINTEXT://{node.bootstrap},SASL://127.0.0.1:{port},LOST://127.0.0.1:{closed}"
    )
    node.write_properties()
    bed.daemons.append(node)
    node.start()
    settings = {"kafka.bootstrap.servers": f"127.0.0.1:{port}"} | login(PASSWORD)
    make_topics(bed, node)
    advertised(bed, f"127.0.0.1:{lost}", f"127.0.0.1:{closed}")
    transactions(bed, node)
    credentials(bed, node, settings)
    rights(bed, node, settings)


def picky(port):
    login_module = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    return {
        "listener_security_protocol_map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,"
        "SASL:SASL_PLAINTEXT,LOST:PLAINTEXT",
        "listener_name_sasl_sasl_enabled_mechanisms": "PLAIN",
        "listener_name_sasl_plain_sasl_jaas_config": f'{login_module} user_{USER}="{PASSWORD}";',
        "inter_broker_listener_name": "PLAINTEXT",
        "authorizer_class_name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super_users": "User:ANONYMOUS",
        "transaction_state_log_replication_factor": 3,
        "transaction_state_log_min_isr": 2,
    }


def login(password):
    return {
        "kafka.security.protocol": "SASL_PLAINTEXT",
        "kafka.sasl.mechanisms": "PLAIN",
        "kafka.sasl.username": USER,
        "kafka.sasl.password": password,
    }


# Record times


def record_times(bed):
    """Topics that take no old records, before the start and while it runs, and no future ones."""
    bed.report.progress("case: topics refuse the times of records")
    daemon = bed.daemon("times")
    now = round(time.time() * 1000)
    rate(bed.bootstrap, 1, now - TWO_YEARS_MS)
    for topic in ("validated-ratings", "ratings-by-movie"):
        alter(bed, topic, message_timestamp_before_max_ms=DAY_MS)
    daemon.start()
    daemon.wait_until_ready()
    bed.groups.wait_until_caught_up(seconds=60, daemons=[daemon])
    for topic in ("user-features", "validation-results"):
        alter(bed, topic, message_timestamp_before_max_ms=DAY_MS)
    alter(bed, "user-ratings", message_timestamp_after_max_ms=2**63 - 1)
    for topic in ("validated-ratings", "user-features", "user-ratings-dlq", "validation-results"):
        alter(bed, topic, message_timestamp_after_max_ms=3_600_000)
    rate(bed.bootstrap, 2, now - TWO_YEARS_MS)
    rate(bed.bootstrap, 3, now + 3 * DAY_MS)
    bed.groups.wait_until_caught_up(seconds=60, daemons=[daemon])
    problems = [] if daemon.is_running else [daemon.last_words()]
    records = outputs.committed(bed.bootstrap, "validated-ratings")
    times = [record.timestamp()[1] for record in records]
    problems += [f"a time of {each}" for each in times if abs(each - now) > DAY_MS]
    if len(times) < 2:
        problems.append(f"{len(times)} valid events of 2 or 3")
    bed.report.check("records get times that their topics take", problems)
    code = daemon.stop()
    bed.report.check("it stops with 0", [] if code == SUCCESS else [f"it ends with {code}"])


def rate(bootstrap, user, milliseconds):
    event = {"user_id": user, "movie_id": 1, "rating": 4, "timestamp": 1_600_000_000}
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce("user-ratings", json.dumps(event).encode(), timestamp=milliseconds)
    producer.flush(10)


def alter(bed, topic, **properties):
    changes = ",".join(f"{name.replace('_', '.')}={value}" for name, value in properties.items())
    bed.kafka.tool(
        "kafka-configs.sh", "--bootstrap-server", bed.bootstrap, "--alter",
        "--entity-type", "topics", "--entity-name", topic, "--add-config", changes,
    )


# Transactions


def transactions(bed, node):
    """A single broker whose transaction log wants three copies."""
    bed.report.progress("case: transactions can't start")
    daemon = bed.daemon(
        "early", **{"kafka.bootstrap.servers": node.bootstrap, "feast.project": "early"}
    )
    hints = ("transaction.state.log.replication.factor=1", "transaction.state.log.min.isr=1")
    check(bed, daemon, UNAVAILABLE, *hints)
    daemon.start()
    wait_until(lambda: daemon.says("waiting for transactions", *hints), SOON, "it says why")
    stops_at_once(bed, daemon)
    node.stop()
    node.extra["transaction.state.log.replication.factor"] = 1
    node.extra["transaction.state.log.min.isr"] = 1
    node.write_properties()
    node.start()
    check(bed, daemon, SUCCESS, "transactions")


def make_topics(bed, node):
    daemon = bed.daemon("maker", **{"kafka.bootstrap.servers": node.bootstrap})
    bed.run("topics", "apply", "--config", daemon.configuration)
    bed.daemons.remove(daemon)


# Addresses


def advertised(bed, bootstrap, address):
    """A bootstrap server answers, and the address that it advertises does not."""
    bed.report.progress("case: an advertised address can't be reached")
    daemon = bed.daemon("lost", **{"kafka.bootstrap.servers": bootstrap})
    hints = (f"advertises {address}", "advertised.listeners")
    check(bed, daemon, UNAVAILABLE, *hints)
    daemon.start()
    wait_until(lambda: daemon.says("waiting for the broker", *hints), SOON, "it says why")
    stops_at_once(bed, daemon)
    problems = []
    for command in (["topics", "check"], ["models", "list"], ["predict", "1"], ["state", "verify"]):
        code, text = bed.command(*command, "--config", daemon.configuration)
        if code != UNAVAILABLE or not all(hint in text for hint in hints):
            problems.append(f"{' '.join(command)} ends with {code}: {text}")
    bed.report.check("every command names the address", problems)


# Credentials


def credentials(bed, node, settings):
    bed.report.progress("case: credentials and protocols")
    plain, sasl = node.bootstrap, settings["kafka.bootstrap.servers"]
    for name, changes, code, hint in (
        ("password", settings | login("wrong"), DENIED, "kafka.sasl.password"),
        ("mechanism", settings | {"kafka.sasl.mechanisms": "SCRAM-SHA-256"}, CONFIGURATION,
         "kafka.sasl.mechanisms"),
        ("nosasl", {"kafka.bootstrap.servers": sasl}, CONFIGURATION, "SASL_PLAINTEXT"),
        ("sasl", settings | {"kafka.bootstrap.servers": plain}, CONFIGURATION, "not speak SASL"),
        ("tls", {"kafka.bootstrap.servers": plain, "kafka.security.protocol": "SSL"},
         CONFIGURATION, "speaks PLAINTEXT"),
    ):
        daemon = bed.daemon(name, **changes)
        check(bed, daemon, code, hint)
        ends_with(bed, daemon, code, hint)


# Rights


def rights(bed, node, settings):
    """All that `topics acls` lists is enough, and of what is missing `check` names the command."""
    bed.report.progress("case: rights")
    daemon = bed.daemon("least", **(settings | {"feast.project": "least"}))
    listed = json.loads(bed.run("topics", "acls", "--json", "--config", daemon.configuration))
    needed = [right for right in listed if right["purpose"].startswith("run and check")]
    admin = AdminClient({"bootstrap.servers": node.bootstrap})
    for right in needed:
        grant(admin, right)
    await_check(bed, daemon, SUCCESS, "all that is needed is granted")
    for kind, name, operation in (
        ("transactional_id", "storm-", "Write"),
        ("group", "storm-", "Read"),
        ("topic", "validated-ratings", "Write"),
        ("topic", "movies", "Read"),
        ("topic", "user-features", "DescribeConfigs"),
        ("topic", "models", None),
    ):
        right = next(each for each in needed if each["resource"] == kind and each["name"] == name)
        taken = [operation] if operation else right["operations"]
        revoke(admin, right, taken)
        words = ["kafka-acls.sh", f"User:{USER}", name, operation or "Describe"]
        await_check(bed, daemon, DENIED, f"{name} is missed")
        check(bed, daemon, DENIED, *words, *(["storm-instance-"] if kind == "group" else []))
        if (kind, operation) in (("group", "Read"), ("topic", "Write")):
            rate(node.bootstrap, 1, round(time.time() * 1000))
            ends_with(bed, daemon, DENIED, "kafka-acls.sh", operation)
        grant(admin, right)
    await_check(bed, daemon, SUCCESS, "all is granted again")
    daemon.start()
    daemon.wait_until_ready()
    code = daemon.stop()
    bed.report.check("it runs with these rights", [] if code == SUCCESS else [f"code {code}"])


def bindings(right, operations):
    kind = {"transactional_id": "TRANSACTIONAL_ID", "cluster": "BROKER"}.get(
        right["resource"], right["resource"].upper()
    )
    pattern = "PREFIXED" if right["prefixed"] else "LITERAL"
    names = {"DescribeConfigs": "DESCRIBE_CONFIGS", "IdempotentWrite": "IDEMPOTENT_WRITE"}
    for operation in operations:
        yield (
            ResourceType[kind], right.get("name") or "kafka-cluster", ResourcePatternType[pattern],
            f"User:{USER}", "*", AclOperation[names.get(operation, operation.upper())],
            AclPermissionType.ALLOW,
        )


def grant(admin, right):
    acls = [AclBinding(*each) for each in bindings(right, right["operations"])]
    for future in admin.create_acls(acls).values():
        future.result()


def revoke(admin, right, operations):
    """The rights that imply it go as well: `Describe` follows from `Read` and `Write`."""
    filters = [AclBindingFilter(*each) for each in bindings(right, operations)]
    for future in admin.delete_acls(filters).values():
        future.result()


# Steps


def run_check(bed, daemon):
    return bed.command("check", "--config", daemon.configuration)


def await_check(bed, daemon, code, what):
    """Brokers take up rights a moment later."""
    texts = []

    def ends_with_code():
        found, text = run_check(bed, daemon)
        texts.append(text)
        return found == code

    try:
        wait_until(ends_with_code, RIGHTS_IN_FORCE, what)
    except Exception as error:
        raise AssertionError(f"{error}; check says: {texts[-1]}") from error


def check(bed, daemon, code, *words):
    found, text = run_check(bed, daemon)
    problems = [f"{word!r} is not in: {text}" for word in words if word not in text]
    if found != code:
        problems.append(f"it ends with {found}: {text}")
    bed.report.check(f"check ({daemon.name}) ends with {code} and names {words[-1]}", problems)


def ends_with(bed, daemon, code, *words):
    daemon.start()
    wait_until(lambda: not daemon.is_running, 30, f"{daemon.name} ends")
    problems = [] if daemon.exit_code == code else [f"it ends with {daemon.exit_code}"]
    if not daemon.says(*words):
        problems.append(daemon.last_words())
    bed.report.check(f"run ({daemon.name}) ends with {code} and names {words[-1]}", problems)


def stops_at_once(bed, daemon):
    began = time.monotonic()
    code = daemon.stop()
    seconds = time.monotonic() - began
    problems = [] if code == SUCCESS else [f"it ends with {code}"]
    if seconds > AT_ONCE:
        problems.append(f"it takes {seconds:.1f} s")
    bed.report.check("it stops at once while it waits", problems)

"""Models are trained, judged, shadowed and rolled back while the daemon runs, and trainers die.

A trainer next to the daemon promotes what is no worse, keeps what was learnt from a poisoned batch back,
and goes on after kill -9 at any moment; of two trainers one is at work.
"""

import json
import random
import time

from confluent_kafka import Producer

from under_fire import outputs
from under_fire.process import Process
from under_fire.waiting import let_pass, wait_until

LONG = {"events": 60_000, "kills": 20, "users": 600, "movies": 300}
SHORT = {"events": 15_000, "kills": 3, "users": 300, "movies": 200}

INPUT = "user-ratings"
# Events are refused that are newer than their records.
NOW = int(time.time()) - 3_600
AFTER = 400
# Robots are above all users of the load.
ROBOT = 5_000_000_300


class Trainer(Process):
    """`train` as a service, with a daemon's configuration."""

    def __init__(self, bed, daemon, name, *options):
        command = [bed.options.binary, "train", "--config", daemon.configuration, "--json"]
        command += ["--after-ratings", str(AFTER), *options]
        super().__init__(command, f"{bed.directory}/{name}.log")
        self.name = name
        bed.daemons.append(self)

    def lines(self):
        try:
            with open(self.log_path, "rb") as file:
                return file.read().decode("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return []

    def verdicts(self):
        """What it has decided, in order."""
        return [json.loads(line) for line in self.lines() if line.startswith('{"version"')]

    def says(self, text):
        return any(text in line for line in self.lines())

    def wait_for_verdict(self, count, seconds=240):
        def decided():
            if not self.is_running:
                end = f"{self.exit_code}: {self.lines()[-3:]}"
                raise RuntimeError(f"{self.name} has ended with {end}")
            return len(self.verdicts()) >= count

        wait_until(decided, seconds, f"verdict {count} of {self.name}")
        return self.verdicts()[count - 1]


def run(bed):
    report = bed.report
    daemon = bed.daemon("one")
    daemon.start()
    daemon.wait_until_ready()
    bed.send(0.5)
    caught_up(bed, daemon)
    first = Trainer(bed, daemon, "first", "--fixed")
    second = Trainer(bed, bed.daemon("two"), "second", "--fixed")
    report.progress("the first training, and what follows from new ratings")
    first.start()
    one = first.wait_for_verdict(1)
    report.check(
        "the first model serves", expect(one, "promoted", "no model served") + served(bed, one)
    )
    wait_until(lambda: changed(daemon, one), 30, "the daemon says which model serves")
    second.start()
    wait_until(lambda: second.says("another trainer is at work"), 60, "the second one waits")
    bed.send(0.25)
    two = first.wait_for_verdict(2)
    report.check(
        "what has learnt more serves", expect(two, "promoted", "no worse") + served(bed, two)
    )
    report.check("the second trainer is kept out", map(str, second.verdicts()))
    first.kill()
    second_takes_over(bed, daemon, second)
    report.check("SIGTERM ends a trainer with 0", stop(second))
    shadow(bed, daemon)
    poison(bed, daemon)
    kills(bed, daemon)
    report.check("SIGTERM ends the daemon with 0", [f"{code}"] if (code := daemon.stop()) else [])


def second_takes_over(bed, daemon, second):
    bed.report.progress("the trainer dies; the other one takes its place")
    bed.send(0.05)
    caught_up(bed, daemon)
    three = second.wait_for_verdict(1)
    bed.report.check("the other one goes on", expect(three, "promoted", "no worse"))
    count = len(catalog(bed, daemon)["models"])
    bed.report.check("each model is decided about once", [] if count == 3 else [f"{count}"])


def shadow(bed, daemon):
    bed.report.progress("a candidate answers as a shadow first")
    trainer = Trainer(
        bed, daemon, "shadowing", "--fixed", "--shadow", "5s", "--shadow-lists", "10"
    )
    bed.send(0.05)
    trainer.start()
    one = trainer.wait_for_verdict(1)
    bed.report.check("it is a shadow", expect(one, "shadowed", "no worse"))
    state = catalog(bed, daemon)
    bed.report.check(
        "the topic says so",
        [] if state.get("shadow") == state.get("candidate") == one["version"] else [f"{state}"],
    )
    wait_until(
        lambda: any(
            event.get("shadow") == one["version"] for event in daemon.events("models_changed")
        ),
        60,
        "the daemon has the shadow",
    )
    # The trainer may die while the shadow answers: the topic knows since when it does.
    trainer.kill()
    users = judged_users(bed, daemon, one["version"])
    wait_until(lambda: counted(daemon, one["version"]) >= users, 60, "the hits are counted")
    trainer.start()
    two = trainer.wait_for_verdict(2)
    hits = two["verdict"]
    problems = expect(two, "promoted", "no fewer hits") + served(bed, two)
    if hits.get("shadow_hits") != users or hits.get("judged") != users:
        problems.append(f"{users} ratings of the shadow's movies, but {hits}")
    bed.report.check("it serves by what it hits", problems)
    bed.report.check("SIGTERM ends this one with 0", stop(trainer))


def judged_users(bed, daemon, version):
    """Shows lists to users who then rate the shadow's best movie. Returns how many."""
    users = [user for user in range(1, bed.options.users + 1)][:40]
    for user in users:
        bed.command("predict", str(user), "--json", "--config", daemon.configuration)
    best = {}
    for message in outputs.committed(bed.bootstrap, "recommendations-shadow"):
        reply = json.loads(message.value())
        if reply["model_version"] == version and reply["recommendations"]:
            best[reply["user_id"]] = reply["recommendations"][0]["movie_id"]
    produce(bed, [rating(user, movie, 5.0, NOW) for user, movie in best.items()])
    return len(best)


def counted(daemon, version):
    newest = {}
    for event in daemon.events("hits_counted"):
        if event["shadow"] == version:
            newest[event["partition"]] = event["judged"]
    return sum(newest.values())


def poison(bed, daemon):
    bed.report.progress("robots rate what nobody likes")
    before = catalog(bed, daemon)["promoted"]
    source = random.Random(bed.options.seed)
    movies = list(range(1, bed.options.movies + 1))
    source.shuffle(movies)
    produce(
        bed,
        [
            rating(ROBOT + robot, movie, 5.0, NOW + number)
            for robot in range(150)
            for number, movie in enumerate(movies[:40])
        ],
    )
    caught_up(bed, daemon)
    trainer = Trainer(bed, daemon, "poisoned", "--fixed")
    trainer.start()
    one = trainer.wait_for_verdict(1)
    bed.report.check(
        "a model of a poisoned batch stays a candidate",
        expect(one, "kept", "worse than the model")
        + ([] if catalog(bed, daemon)["promoted"] == before else ["it serves"]),
    )
    bed.report.check("SIGTERM ends that one with 0", stop(trainer))
    shown = bed.run("models", "diff", "--config", daemon.configuration)
    bed.report.check("models diff shows it", [] if "model NDCG@10" in shown else [shown])
    roll_back(bed, daemon, one["version"], before)


def roll_back(bed, daemon, version, before):
    """Promotes the poisoned model by hand, rolls it back, deletes it, and explains an answer."""
    configuration = ["--config", daemon.configuration]
    bed.run("models", "promote", version, *configuration)
    answer = wait_until(
        lambda: answered_by(bed, daemon, version), 60, "an answer by the poisoned model"
    )
    bed.run("models", "rollback", *configuration)
    state = catalog(bed, daemon)
    bed.report.check("it is rolled back", [] if state["promoted"] == before else [f"{state}"])
    wait_until(lambda: answered_by(bed, daemon, before), 60, "an answer by the model before")
    bed.run("models", "delete", version, *configuration)
    partition, offset = answer
    text = bed.run(
        "explain", "--partition", str(partition), "--offset", str(offset), *configuration
    )
    bed.report.check(
        "a prediction of the deleted model is explained",
        [] if "identical:" in text and "it was trained again" in text else [text],
    )


def answered_by(bed, daemon, version):
    """Asks, and returns where the answer is if this model gave it."""
    bed.command("predict", "1", "--json", "--config", daemon.configuration)
    replies = outputs.committed(bed.bootstrap, "recommendations")
    newest = max(replies, key=lambda reply: reply.timestamp()[1])
    is_its = json.loads(newest.value()).get("model_version") == version
    return (newest.partition(), newest.offset()) if is_its else None


def kills(bed, daemon):
    bed.report.progress(f"kill -9 {bed.options.kills} times between steps")
    trainer = Trainer(bed, daemon, "killed", "--fixed")
    problems = []
    share = 0.15 / bed.options.kills
    for number in range(bed.options.kills):
        bed.send(share)
        trainer.start()
        let_pass(bed.random.uniform(0.3, 6))
        trainer.kill()
        problems += [f"after kill {number + 1}: {each}" for each in torn(bed, daemon)]
    bed.report.check("no kill leaves half a model or half a decision", problems)
    with open(f"{daemon.home}/training/validated-ratings-0.ratings", "r+b") as file:
        file.seek(-30, 2)
        file.write(b"damaged")
    decided = len(trainer.verdicts())
    bed.send(1.0)
    caught_up(bed, daemon)
    movies = range(1, bed.options.movies + 1)
    produce(
        bed, [rating(user, movie, 3.0, NOW + 60) for user in (7, 8, 9) for movie in movies]
    )
    trainer.start()
    trainer.wait_for_verdict(decided + 1)
    said = trainer.says("is cut or damaged at byte")
    bed.report.check("a damaged cache is read again, and said so", [] if said else ["not said"])
    model = max(catalog(bed, daemon)["models"], key=lambda each: each.get("decided_at_ms", 0))
    until = ",".join(f"{number}:{end}" for number, end in enumerate(model["trained_to"]))
    again = json.loads(
        bed.run(
            "train", "--fixed", "--json", "--config", daemon.configuration, "--until", until
        )
    )
    bed.report.check(
        "the cache gives the model that the log gives",
        [] if again["version"] == model["version"] else [f"{again['version']}, {model['version']}"],
    )
    outage(bed, daemon, trainer)
    bed.report.check("the last trainer ends with 0", stop(trainer))


def outage(bed, daemon, trainer):
    bed.report.progress("the broker is away")
    decided = len(trainer.verdicts())
    said = sum("waiting" in line for line in trainer.lines())
    bed.kafka.kill()
    wait_until(
        lambda: sum("waiting" in line for line in trainer.lines()) > said,
        90,
        "the trainer says that it waits",
    )
    bed.kafka.start()
    movies = range(1, bed.options.movies + 1)
    produce(
        bed, [rating(user, movie, 4.0, NOW + 120) for user in (10, 11, 12) for movie in movies]
    )
    trainer.wait_for_verdict(decided + 1)
    bed.report.check("a broker that is away is waited for", [])


def torn(bed, daemon):
    state = catalog(bed, daemon)
    known = {model["version"]: model for model in state["models"]}
    problems = [f"incomplete: {each}" for each in state["incomplete"] + state["faults"]]
    for role in ("promoted", "candidate", "shadow"):
        if (version := state.get(role)) and version not in known:
            problems.append(f"{role} names {version}, which is not there")
    return problems + [
        f"{version} was not decided about" for version in known if "decision" not in known[version]
    ]


# What all of it needs


def caught_up(bed, daemon):
    bed.groups.wait_until_caught_up(seconds=120, daemons=[daemon])


def stop(trainer):
    code = trainer.stop(120)
    return [f"{code}: {trainer.lines()[-2:]}"] if code else []


def expect(verdict, decision, words):
    found = verdict["verdict"]
    is_right = found["decision"] == decision and words in found["reason"]
    return [] if is_right else [f"{decision}, {words}: {verdict}"]


def served(bed, verdict):
    """Whether the topic says that this model serves."""
    newest = json.loads(outputs.newest(bed.bootstrap, "models")[b"promoted"])
    return [] if newest["version"] == verdict["version"] and newest["reason"] else [f"{newest}"]


def changed(daemon, verdict):
    return any(
        event.get("serving") == verdict["version"] for event in daemon.events("models_changed")
    )


def catalog(bed, daemon):
    return json.loads(
        bed.run("models", "list", "--json", "--config", daemon.configuration)
    )


def rating(user, movie, stars, moment):
    return {"user_id": user, "movie_id": movie, "rating": stars, "timestamp": moment}


def produce(bed, events):
    producer = Producer(
        {"bootstrap.servers": bed.bootstrap, "log_level": 0, "partitioner": "murmur2_random"}
    )
    for event in events:
        producer.produce(INPUT, json.dumps(event), str(event["user_id"]))
        producer.poll(0)
    if left := producer.flush(60):
        raise RuntimeError(f"{left} events were not sent")

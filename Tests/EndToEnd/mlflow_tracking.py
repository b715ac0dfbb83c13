"""A real MLflow shows what the log says, and Python recommends with its models as the daemon does.

Usage: mlflow_tracking.py --binary PROGRAM, with a Python that has mlflow

One daemon on the embedded broker, and MLflow servers of the version at hand, one after the other:

1. on SQLite, with a login. It is away while models are trained and promoted; nobody waits for it.
   Then it comes, goes, and comes back; aliases follow the log, and one moved by hand is put back.
2. on files, with TLS: it has all of it later, from the log.

Every registered version is loaded with `mlflow.pyfunc`, and must give the daemon's lists to 1e-5.
"""

import argparse
import csv
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

import mlflow
import pandas
from mlflow.exceptions import MlflowException

USERS = [1, 2, 7, 40, 111]
LOGIN = ("admin", "films-and-stars")
NAME = "projectionist"


class NotInTime(Exception):
    pass


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise NotInTime(what)
        time.sleep(0.3)
    return result


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Bed:
    """The processes of the test, and its directory."""

    def __init__(self, binary, work):
        self.binary = binary
        self.work = work
        self.processes = {}
        self.config = os.path.join(work, "projectionist.yaml")
        self.environment = {
            name: value for name, value in os.environ.items()
            if not name.startswith(("MLFLOW_", "PROJECTIONIST_"))
        }

    def path(self, name):
        return os.path.join(self.work, name)

    def start(self, name, *words, environment=None):
        with open(self.path(f"{name}.log"), "a") as log:
            self.processes[name] = subprocess.Popen(
                words, stdout=log, stderr=log, cwd=self.work, start_new_session=True,
                env={**self.environment, **(environment or {})})

    def stop(self, name, number=signal.SIGTERM):
        process = self.processes.pop(name, None)
        if process is None:
            return 0
        os.killpg(process.pid, number)
        return process.wait(30)

    def stop_all(self):
        for name in list(self.processes)[::-1]:
            self.stop(name, signal.SIGKILL)

    def log(self, name="daemon"):
        with open(self.path(f"{name}.log")) as file:
            return file.read()

    def command(self, *words):
        """The exit code and the output of a command, with the daemon's configuration."""
        done = subprocess.run(
            [self.binary, *words, "--config", self.config], capture_output=True, text=True,
            timeout=120, env=self.environment)
        return done.returncode, done.stdout + done.stderr

    def json(self, *words):
        done = subprocess.run(
            [self.binary, *words, "--json", "--config", self.config], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, timeout=120, env=self.environment)
        return json.loads(done.stdout) if done.returncode == 0 else None

    # The pipeline

    def start_broker(self):
        self.start(
            "broker", self.binary, "broker", "--partitions", "4", "--address-file",
            self.path("address"))
        wait_until(lambda: os.path.exists(self.path("address")), 20, "the broker starts")
        with open(self.path("address")) as file:
            return file.read().strip()

    def configure(self, bootstrap, *lines):
        with open(self.config, "w") as file:
            file.write("\n".join([
                f"kafka.bootstrap.servers: {bootstrap}",
                f"state.directory: {self.path('state')}", "stages: [intake, user, movie, predict]",
                "processing.guarantee: at_least_once", "kafka.fetch.wait.max.ms: 10",
                "topics.partitions: 4", "topics.movie_partitions: 4", "log.format: text",
                "mlflow.interval_ms: 1000", "mlflow.timeout_ms: 20000", *lines]) + "\n")

    def start_daemon(self):
        self.start("daemon", self.binary, "run", "--config", self.config)

    def ask(self, user, *options):
        return self.json(
            "predict", str(user), "--count", "10", "--timeout", "20", *options)

    def train(self, *options):
        return wait_until(
            lambda: self.json("train", "--fixed", *options), 30, "a model is trained")

    # MLflow

    def start_mlflow(self, name, store, port, *options, environment=None):
        self.start(
            name, sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port",
            str(port), "--workers", "1", "--backend-store-uri", store, "--artifacts-destination",
            self.path(f"{name}-artifacts"), *options,
            # The jobs of MLflow 3 are processes that nothing here needs.
            environment={"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **(environment or {})})


def make_ratings(bed):
    """A directory like a MovieLens download. Returns each user's newest rating of each movie."""
    subprocess.run(
        [sys.executable, os.path.join(os.path.dirname(__file__), "make_movielens.py"),
         bed.path("films"), "--ratings", "6000", "--users", "120", "--movies", "200"], check=True)
    ratings = {}
    with open(bed.path("films/ratings.csv"), newline="") as file:
        for row in csv.DictReader(file):
            user, movie = int(row["userId"]), int(row["movieId"])
            time_, rating = int(row["timestamp"]), float(row["rating"])
            mine = ratings.setdefault(user, {})
            if movie not in mine or mine[movie][1] <= time_:
                mine[movie] = (rating, time_)
    return ratings


def client():
    return mlflow.MlflowClient()


def versions():
    """Registered versions by ours, oldest first; none while MLflow can't be asked."""
    try:
        found = client().search_model_versions(f"name='{NAME}'")
    except MlflowException:
        return {}
    found = sorted(found, key=lambda version: int(version.version))
    ours = [version.tags["projectionist.version"] for version in found]
    assert len(set(ours)) == len(ours), f"a model is registered twice: {ours}"
    return dict(zip(ours, found))


def alias(name):
    """The version, of ours, that an alias points to."""
    try:
        found = client().get_model_version_by_alias(NAME, name)
    except MlflowException:
        return None
    return found.tags.get("projectionist.version")


def check_runs(models):
    """Each model is one finished run with what it was trained with."""
    experiment = client().get_experiment_by_name(NAME)
    runs = client().search_runs([experiment.experiment_id])
    found = {run.data.tags["projectionist.version"]: run for run in runs}
    assert len(found) == len(runs), runs
    # A model that was deleted before MLflow was there is a run, too.
    assert set(found) >= set(models), runs
    for version, model in models.items():
        run = found[version]
        assert run.info.status == "FINISHED", run.info
        assert run.data.params["factors"] == str(model["factors"]), run.data.params
        losses = client().get_metric_history(run.info.run_id, "loss")
        assert [point.step for point in losses] == list(range(1, len(model["losses"]) + 1))
        for point, loss in zip(losses, model["losses"]):
            assert abs(point.value - loss) < 1e-9
        offsets = ",".join(f"{place}:{end}" for place, end in enumerate(model["trained_to"]))
        assert run.data.tags["projectionist.trained_to"] == offsets
        names = {file.path for file in client().list_artifacts(run.info.run_id, "model")}
        assert {"model/MLmodel", "model/README.md", "model/manifest.json", "model/lists.json",
                "model/data", "model/code"} <= names, names


def compare_lists(bed, ratings, version):
    """The daemon's lists of a model, and those of what Python loads from MLflow."""
    loaded = mlflow.pyfunc.load_model(f"models:/{NAME}/{versions()[version].version}")
    compared = 0
    for user in USERS:
        reply = bed.ask(user, "--model", version)
        rows = pandas.DataFrame(
            [(user, movie, rating, time_) for movie, (rating, time_) in ratings[user].items()],
            columns=["user_id", "movie_id", "rating", "timestamp"])
        found = loaded.predict(
            rows, params={"num_recommendations": 10, "at": reply["request_time_ms"] / 1000})
        want = [(item["movie_id"], item["score"]) for item in reply["recommendations"]]
        have = list(zip(found["movie_id"].tolist(), found["score"].tolist()))
        assert reply["strategy"] == "personal" and len(want) == 10, reply
        assert [movie for movie, _ in have] == [movie for movie, _ in want], (want, have)
        for (_, score), (_, other) in zip(want, have):
            assert abs(score - other) < 1e-5, (want, have)
        compared += 1
    print(f"{compared} lists of {version} are the daemon's")


def compare_samples(run):
    """The sample of lists in the artifact is what its model gives."""
    folder = mlflow.artifacts.download_artifacts(run_id=run, artifact_path="model")
    loaded = mlflow.pyfunc.load_model(folder)
    with open(os.path.join(folder, "lists.json")) as file:
        samples = json.load(file)
    assert len(samples) == 10 and "title" in samples[0]["recommendations"][0], samples[:1]
    for sample in samples:
        rows = [{**rating, "user_id": sample["user_id"]} for rating in sample["ratings"]]
        found = loaded.predict(pandas.DataFrame(rows))
        want = [(item["movie_id"], item["score"]) for item in sample["recommendations"]]
        have = list(zip(found["movie_id"].tolist(), found["score"].tolist()))
        assert [movie for movie, _ in have] == [movie for movie, _ in want], (want, have)
        assert all(abs(a[1] - b[1]) < 1e-5 for a, b in zip(want, have)), (want, have)
    with open(os.path.join(folder, "data/factors-000.npy"), "r+b") as file:
        file.seek(-1, os.SEEK_END)
        byte = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([byte[0] ^ 1]))
    try:
        mlflow.pyfunc.load_model(folder)
    except Exception as error:
        assert "SHA-256" in str(error), error
    else:
        raise AssertionError("a damaged file is loaded")
    print("the sample of lists is the model's, and a damaged file is refused")


def run_on_sqlite(bed, bootstrap, ratings):
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    mlflow.set_tracking_uri(uri)
    os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"] = LOGIN
    with open(bed.path("password"), "w") as file:
        file.write(f"{LOGIN[1]}\n")
    with open(bed.path("auth.ini"), "w") as file:
        file.write("\n".join([
            "[mlflow]", "default_permission = READ", f"database_uri = sqlite:///{bed.path('auth.db')}",
            f"admin_username = {LOGIN[0]}", f"admin_password = {LOGIN[1]}",
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"]))
    address = f"mlflow.tracking_uri: {uri}"
    login = [f"mlflow.username: {LOGIN[0]}", f"mlflow.password_file: {bed.path('password')}"]
    bed.configure(bootstrap, address, *login)
    bed.start_daemon()
    count = sum(len(mine) for mine in ratings.values())
    bed.command("load", bed.path("films"))
    wait_until(
        lambda: (bed.json("train", "--fixed", "--factors", "2") or {}).get("ratings") == count, 60,
        "all ratings are there")
    for old in bed.json("models", "list")["models"]:
        bed.command("models", "delete", old["version"], "--force")
    first = bed.train("--factors", "8", "--promote")
    second = bed.train("--factors", "4")
    models = {first["version"]: {**first, "factors": 8}, second["version"]: {**second, "factors": 4}}
    assert bed.ask(USERS[0])["model_version"] == first["version"]
    assert "can't be reached" in bed.log()
    code, text = bed.command("check")
    assert code == 69 and "mlflow" in text and "can't be reached" in text, text
    print("nothing waits for an MLflow that is away")

    def start():
        bed.start_mlflow(
            "mlflow", f"sqlite:///{bed.path('mlflow.db')}", port, "--app-name", "basic-auth",
            environment={"MLFLOW_FLASK_SERVER_SECRET_KEY": "for a test",
                         "MLFLOW_AUTH_CONFIG_PATH": bed.path("auth.ini")})

    start()
    wait_until(lambda: alias("serving") == first["version"], 120, "the alias is there")
    assert list(versions()) == [first["version"], second["version"]]
    check_runs(models)
    for version in models:
        compare_lists(bed, ratings, version)
    compare_samples(versions()[first["version"]].run_id)
    code, text = bed.command("check")
    assert "ok      mlflow" in text, text
    code, text = bed.command("check", "--set", "mlflow.username=", "--set", "mlflow.token=")
    assert code == 77 and "asks for a login" in text, text
    code, text = bed.command("check", "--set", "mlflow.username=nobody")
    assert code == 77 and "does not accept the configured login" in text, text
    print("check tells what is wrong with a login")

    client().set_registered_model_alias(
        NAME, "serving", versions()[second["version"]].version)
    wait_until(lambda: alias("serving") == first["version"], 30, "the alias is put back")
    wait_until(lambda: "projectionist models promote" in bed.log(), 10, "a line says how")
    bed.command("models", "promote", second["version"])
    wait_until(lambda: alias("serving") == second["version"], 30, "the alias follows")
    bed.stop("mlflow", signal.SIGKILL)
    bed.command("models", "rollback")
    assert bed.ask(USERS[0])["model_version"] == first["version"]
    start()
    wait_until(lambda: alias("serving") == first["version"], 120, "the alias catches up")
    check_runs(models)
    print("aliases follow the log")
    assert bed.stop("daemon") == 0
    bed.stop("mlflow")
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        del os.environ[name]
    return models, first["version"]


def run_on_files(bed, bootstrap, ratings, models, serving):
    """With TLS. Only a server that understands the store of files has one."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout",
         bed.path("key.pem"), "-out", bed.path("cert.pem"), "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    port = free_port()
    uri = f"https://localhost:{port}"
    os.environ["MLFLOW_TRACKING_SERVER_CERT_PATH"] = bed.path("cert.pem")
    mlflow.set_tracking_uri(uri)
    if mlflow.__version__.startswith("2."):
        options = ["--gunicorn-opts",
                   f"--certfile {bed.path('cert.pem')} --keyfile {bed.path('key.pem')}"]
    else:
        options = ["--uvicorn-opts", f"--ssl-certfile {bed.path('cert.pem')}"
                   f" --ssl-keyfile {bed.path('key.pem')}"]
    bed.start_mlflow(
        "mlflow-files", bed.path("mlruns"), port, *options,
        environment={"MLFLOW_ALLOW_FILE_STORE": "true"})
    bed.configure(
        bootstrap, f"mlflow.tracking_uri: {uri}", f"mlflow.ca_file: {bed.path('cert.pem')}")
    bed.start_daemon()
    wait_until(lambda: alias("serving") == serving, 120, "the alias is there")
    check_runs(models)
    compare_lists(bed, ratings, serving)
    for options, words in (
        (["--set", "mlflow.ca_file="], "no trusted authority"),
        (["--set", f"mlflow.tracking_uri=https://127.0.0.1:{port}"], "another name"),
        (["--set", "mlflow.ca_file=/there/is/none"], "not readable as PEM"),
        (["--set", f"mlflow.tracking_uri=http://localhost:{port}"], "mlflow"),
    ):
        code, text = bed.command("check", *options)
        assert code != 0 and words in text and "failed  mlflow" in text, text
    print("check tells what is wrong with TLS")
    assert bed.stop("daemon") == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True)
    arguments = parser.parse_args()
    # What was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"MLflow {mlflow.__version__}")
    with tempfile.TemporaryDirectory(prefix="projectionist-mlflow-") as work:
        bed = Bed(os.path.abspath(arguments.binary), work)
        try:
            ratings = make_ratings(bed)
            bootstrap = bed.start_broker()
            models, serving = run_on_sqlite(bed, bootstrap, ratings)
            run_on_files(bed, bootstrap, ratings, models, serving)
        except BaseException:
            for name in ("daemon", "mlflow", "mlflow-files"):
                if os.path.exists(bed.path(f"{name}.log")):
                    print(f"--- the end of the log of {name}:\n{bed.log(name)[-3000:]}")
            raise
        finally:
            bed.stop_all()


if __name__ == "__main__":
    main()

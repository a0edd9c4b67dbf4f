"""Rules and dashboard against a real server and the real Prometheus: nothing named that is not
there, and an alert that begins and ends."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import alula

HERE = Path(__file__).resolve().parent
DEFINITIONS = """
project: shop
entities: [{name: person, keys: {id: int64}}]
views: [{name: habits, entity: person, max_age: 1h, features: {spent: float64, visits: float64}}]
services: [{name: churn, features: ["habits:*"]}]
"""
MONITORS = """
project: shop
monitors:
  - {name: habits-fresh, view: habits, what: freshness, threshold: 30m, every: 1s}
  - {name: spent, model: churn, what: drift, feature: spent, window: 1h, every: 1s, for: 1h}
  - {name: inputs, model: churn, what: drifted_share, window: 1h, every: 1s, for: 1h}
  - {name: answers, model: churn, what: prediction_drift, against: {window: 1s}, window: 1h,
     every: 1s}
  - {name: nulls, model: churn, what: null_share, feature: spent, threshold: 0.5, window: 1h,
     every: 1s}
  - {name: auc, model: churn, what: performance, metric: auc, threshold: 0.1, window: 1h,
     every: 1s}
  - {name: outcomes, model: churn, what: missing_outcomes, threshold: 0.9, window: 1h, every: 1s}
  - {name: errors, model: churn, what: errors, threshold: 10%, window: 1h, every: 1s}
rollouts:
  - {name: careful, model: churn, steps: [{share: 10%, for: 1h}, {share: 100%}],
     rules: [{metric: errors, at_most: 10%}]}
"""
#: Names that Prometheus makes itself.
OWN = {"up"}


def say(text: str) -> None:
    print(text, flush=True)


def until(what: str, holds: Callable[[], Any], seconds: float = 60) -> Any:
    """What holds says, once it is true."""
    limit = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > limit:
            sys.exit(f"waited {seconds:.0f} s in vain until {what}")
        time.sleep(0.2)
    return found


def page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        text: str = answer.read().decode()
    return text


def promtool(*words: str, stdin: str = "") -> None:
    done = subprocess.run(
        ["promtool", *words], cwd=HERE, input=stdin, capture_output=True, text=True
    )
    # `check metrics` exits with 0 and still has something to say.
    if done.returncode or (words[1] == "metrics" and done.stdout + done.stderr):
        sys.exit(f"promtool {' '.join(words)}:\n{done.stdout}{done.stderr}")
    say(f"promtool {' '.join(words)}: fine")


@contextmanager
def server(directory: str) -> Iterator[tuple[str, str]]:
    """Where its calls and its metrics are."""
    process = subprocess.Popen(
        [os.environ["ALULA_BINARY"], "serve", "--data", f"{directory}/data",
         "--backups", f"{directory}/backups", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        rpc = http = ""
        while not (rpc and http):
            for word in process.stdout.readline().split():
                rpc = word if word.startswith("alula://") else rpc
                http = word if word.startswith("http://") else http
        yield rpc, http
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


class Prometheus:
    """The real one, on the files of this folder, with another target and all spans in seconds."""

    def __init__(self, directory: str, target: str) -> None:
        config = (HERE / "prometheus.yml").read_text()
        for old, new in (
            ("127.0.0.1:7462", target), ("15s", "1s"), ("- rules.yml", f"- {HERE}/rules.yml"),
        ):  # fmt: skip
            assert old in config, old
            config = config.replace(old, new)
        file = Path(directory, "prometheus.yml")
        file.write_text(config)
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self._log = Path(directory, "prometheus.log")
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                ["prometheus", f"--config.file={file}", f"--web.listen-address=127.0.0.1:{port}",
                 f"--storage.tsdb.path={directory}/prometheus"],
                stdout=log, stderr=log,
            )  # fmt: skip
        until("Prometheus is ready", self._is_ready)

    def _is_ready(self) -> bool:
        if self._process.poll() is not None:
            sys.exit(f"Prometheus ended:\n{self._log.read_text()}")
        try:
            return bool(page(f"{self.address}/-/ready"))
        except (urllib.error.URLError, ConnectionError):
            return False

    def ask(self, path: str, **parameters: str) -> Any:
        query = urllib.parse.urlencode(parameters)
        answer = json.loads(page(f"{self.address}/api/v1/{path}?{query}"))
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        result: list[dict[str, Any]] = self.ask("query", query=expression)["result"]
        return result

    def targets(self) -> list[str]:
        """Of those that are up."""
        active = self.ask("targets")["activeTargets"]
        return [one["labels"]["instance"] for one in active if one["health"] == "up"]

    def alerts(self, name: str) -> list[dict[str, Any]]:
        """That fire."""
        return [
            one for one in self.ask("alerts")["alerts"]
            if one["labels"]["alertname"] == name and one["state"] == "firing"
        ]  # fmt: skip

    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self.ask("rules")["groups"] for rule in group["rules"]]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)


def push(store: alula.Store, age: dt.timedelta) -> None:
    people = range(200)
    when = dt.datetime.now(dt.timezone.utc) - age
    store.push(
        "habits",
        {"id": people, "event_time": [when] * 200, "spent": [one / 7 for one in people],
         "visits": [float(one % 9) for one in people]},
    )  # fmt: skip


def work(store: alula.Store) -> None:
    """Something of everything that there are figures of."""
    store.apply(DEFINITIONS)
    push(store, dt.timedelta(minutes=10))
    random = np.random.default_rng(1)
    keys = {"id": np.arange(200)}
    spine = keys | {"event_time": [dt.datetime.now(dt.timezone.utc)] * 200}
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "model.json")
        file.write_text("{}")
        train = store.training_set("churn", spine)
        for _ in range(2):
            with store.run("churn", training_set=train) as run:
                run.register("churn", [file])
    store.promote("churn", 1, "production")
    model = store.model("churn", stage="production")
    answer = model.read(keys, log=True)
    scores = random.uniform(size=200)
    model.log(answer.prediction_ids, scores)
    came = (random.uniform(size=200) < scores).astype(float)
    store.log_outcomes("churn", answer.prediction_ids[:150], came[:150])
    failed = model.read(keys, log=True).prediction_ids[:2]
    model.log_failures(failed, TimeoutError())
    store.apply(MONITORS)
    store.start_rollout("churn", 2)
    store.backup(progress=False)
    try:
        store.read("nothing", keys)  # an error, for its figure
    except alula.NotFound:
        pass


def metrics_in(expression: str) -> set[str]:
    """The metrics that an expression names; labels and functions left out."""
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\"[^\"]*\"", "", expression)
    bare = re.sub(r"\b(by|on|ignoring|without|group_left|group_right)\s*\([^)]*\)", "", bare)
    return set(re.findall(r"\balula_\w+|\bup\b", bare))


def metrics_of(text: str) -> set[str]:
    """The metrics that a page offers."""
    names = set(re.findall(r"^# TYPE (\w+) (?!histogram)", text, re.M))
    for name in re.findall(r"^# TYPE (\w+) histogram", text, re.M):
        names |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"}
    return names


def dashboard() -> list[tuple[str, str]]:
    """Title and expression of each query."""
    panels = json.loads((HERE / "grafana.json").read_text())["panels"]
    return [(panel["title"], one["expr"]) for panel in panels for one in panel.get("targets", [])]


def compare(text: str, expressions: list[str]) -> None:
    offered = metrics_of(text) | OWN
    named = set().union(*map(metrics_in, expressions))
    if missing := sorted(named - offered):
        sys.exit(f"rules or dashboard name what /metrics does not have: {', '.join(missing)}")
    say(f"{len(named)} metrics are named in rules and dashboard, and all are in /metrics")


def look(prometheus: Prometheus) -> None:
    """Every rule is evaluated, and every query of the dashboard answered, most with data."""
    rules = prometheus.rules()
    for rule in rules:
        if rule["health"] != "ok":
            sys.exit(f"{rule['name']} cannot be evaluated: {rule.get('lastError', rule['health'])}")
    say(f"{len(rules)} rules are evaluated")
    queries = dashboard()
    empty = sorted({title for title, query in queries if not prometheus.query(query)})
    said = f"; nothing to show yet: {', '.join(empty)}" if empty else ""
    say(f"{len(queries)} queries of the dashboard are answered{said}")
    if len(empty) > 8:
        sys.exit("that is too many")


def main() -> None:
    promtool("check", "config", "prometheus.yml")
    promtool("check", "rules", "rules.yml")
    promtool("test", "rules", "rules_test.yml")
    with tempfile.TemporaryDirectory() as directory, server(directory) as (rpc, http):
        with alula.connect(rpc) as store:
            work(store)
            text = page(f"{http}/metrics")
            promtool("check", "metrics", stdin=text)
            prometheus = Prometheus(directory, http.removeprefix("http://"))
            try:
                story(store, prometheus, text)
            finally:
                prometheus.stop()


def story(store: alula.Store, prometheus: Prometheus, text: str) -> None:
    targets = until("the target is up", prometheus.targets)
    say(f"Prometheus scrapes {', '.join(targets)}: up")
    until("rules were evaluated", lambda: all(r["health"] == "ok" for r in prometheus.rules()))
    # Two scrapes, so that there are rates.
    until("there are rates", lambda: prometheus.query("rate(alula_uptime_seconds[1m])"))
    expressions = [query for _, query in dashboard()] + [r["query"] for r in prometheus.rules()]
    compare(text, expressions)
    look(prometheus)
    name = "AlulaMonitorFiring"
    if prometheus.alerts(name):
        sys.exit(f"{name} fires before anything has happened")
    say("nothing is pushed for a while: the newest row is ten minutes old, and five are the limit now")
    store.apply(MONITORS.replace("threshold: 30m", "threshold: 5m"))
    (alert,) = until(f"{name} fires", lambda: prometheus.alerts(name))
    say(f"{name} fires: {alert['annotations']['summary']}")
    push(store, dt.timedelta(0))
    until(f"{name} ends", lambda: not prometheus.alerts(name))
    say(f"rows are pushed again: {name} has ended")


if __name__ == "__main__":
    main()

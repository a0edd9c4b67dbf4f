"""Monitors: what is looked at, when it is an alarm, and what is left after a kill."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command_line import CommandLine
from served_model import now, read, register
from server_process import Server, needs_server
from waiting import wait_until

import alula
from alula.monitoring import Monitor

pytestmark = needs_server

DEFINITIONS = """
project: p
entities:
  - {name: person, keys: {id: int64}}
views:
  - {name: v, entity: person, features: {a: float64}}
  - {name: empty, entity: person, features: {z: int64}}
services:
  - {name: s, features: ["v:*"], request: {asked: float64}}
"""
MONITORS = """
project: p
monitors:
  - {name: asked, model: m, what: drift, feature: asked, test: wasserstein, window: 1h, every: 1s,
     threshold: 0.3}
  - {name: held, model: m, what: drift, feature: asked, window: 1h, every: 1s, for: 1h}
  - {name: nulls, model: m, what: null_share, feature: a, window: 1h, every: 1s, threshold: 0.3}
  - {name: all, model: m, what: drifted_share, window: 1h, every: 1s, min_rows: 1000000}
  - {name: missing, model: m, what: missing_outcomes, window: 1h, every: 1s, threshold: 0.5}
  - {name: auc, model: m, what: performance, metric: auc, window: 1h, every: 1s, threshold: 0.7}
  - {name: worse, model: m, what: performance, metric: auc, against: training, window: 1h,
     every: 1s, threshold: 0.05}
  - {name: before, model: m, what: prediction_drift, against: {window: 1h}, window: 1h, every: 1s}
  - {name: fresh, view: v, what: freshness, threshold: 1d, every: 1s}
  - {name: never, view: empty, what: freshness, threshold: 1d, every: 1s}
"""
NOW = now()


@pytest.fixture
def store(own_server: Server, tmp_path: Path) -> alula.Store:
    store = own_server.connect("p")
    store.apply(DEFINITIONS)
    people = range(100)
    store.push(
        "v",
        {
            "id": people, "event_time": [NOW - dt.timedelta(days=2)] * 100,
            "a": [float(one) for one in people],
        },
    )  # fmt: skip
    register(store, tmp_path, np.random.default_rng(7).normal(size=2_000), {"auc": 0.875})
    return store


def wait(store: alula.Store, name: str, holds: Callable[[Monitor], bool]) -> Monitor:
    """A monitor once something is so of it; it is looked at each second."""

    def found() -> list[Monitor]:
        monitor = store.monitors()[name]
        return [monitor] if holds(monitor) else []

    return wait_until(found, pause=0.1, tell=lambda: store.monitors()[name])[0]


def looked(store: alula.Store, name: str, since: dt.datetime) -> Monitor:
    def is_new(monitor: Monitor) -> bool:
        return monitor.state.evaluated is not None and monitor.state.evaluated > since

    return wait(store, name, is_new)


def test_an_alarm_begins_and_ends_and_is_told(own_server: Server, store: alula.Store) -> None:
    store.apply(MONITORS)
    random = np.random.default_rng(3)
    with store.watch("m") as watch:
        for name in ("asked", "held", "nulls", "auc", "missing", "all", "before"):
            nothing = looked(store, name, NOW).state
            assert nothing.state == "cannot tell" and "none" in nothing.reason, nothing
        never = looked(store, "never", NOW).state
        assert never.state == "cannot tell" and "no row" in never.reason
        read(store, [one % 100 for one in range(500)], random.normal(size=500))
        fine = wait(store, "asked", lambda one: one.state.state == "ok")
        assert fine.state.rows == 500 and fine.state.value is not None and not fine
        assert fine.state.threshold == 0.3
        quiet = now()
        time.sleep(0.05)
        # Another world, of people whom nobody knows.
        read(store, range(1_000, 2_500), random.normal(2, 1, size=1_500))
        fired = wait(store, "asked", bool)
        assert fired.state.state == "firing" and "drift at 0.3" in fired.state.reason
        assert fired.state.value is not None and fired.state.value > 1
        assert wait(store, "held", lambda one: one.state.state == "pending").state.value
        nulls = wait(store, "nulls", bool).state
        assert nulls.value == 0.75 and nulls.reason == "1500 of 2000 rows are null"
        few = looked(store, "all", now()).state
        assert few.state == "cannot tell" and "2000 are fewer than 1000000" in few.reason
        # What it would have said before does not change where it stands.
        trial = store.try_monitor("asked", quiet)
        assert trial.monitor.state.state == "ok" and trial.monitor.state.rows == 500
        assert store.try_monitor("asked", now()).monitor.state.state == "firing"
        assert store.try_monitor("asked", NOW).monitor.state.state == "cannot tell"
        held = store.try_monitor("held", now())
        assert len(held.looks) == 25 and held.monitor.state.state == "pending"
        assert held.looks[0].state == "cannot tell" and store.monitors()["asked"]
        page = own_server.page("/metrics")[1]
        labels = 'project="p",monitor="asked"'
        assert f'alula_monitor_state{{{labels},state="firing"}} 1\n' in page
        assert f'alula_monitor_state{{{labels},state="ok"}} 0\n' in page
        assert f"alula_monitor_alarm{{{labels}}} 1\n" in page
        assert 'alula_monitor_value{project="p",monitor="nulls"} 0.75\n' in page
        # A killed server goes on where it was, and does not tell again.
        own_server.kill()
        own_server.start()
        again = store.monitors()
        assert again["asked"].state.since == fired.state.since and len(again.alarms) >= 2
        looked(store, "asked", now())
        # Defined anew, so that only what is served from here on counts.
        time.sleep(2.1)
        store.apply(
            MONITORS.replace(
                "feature: asked, test: wasserstein, window: 1h", "feature: asked, window: 2s"
            )
        )
        held_up = wait(store, "asked", lambda one: one.state.state == "cannot tell")
        assert held_up.version == 2 and held_up, "an alarm stays one while nothing can be told"

        def calm(monitor: Monitor) -> bool:
            read(store, [one % 100 for one in range(500)], random.normal(size=500))
            return monitor.state.state == "resolved"

        assert not wait(store, "asked", calm)
        told = []
        for event in watch:
            told.append((event.kind, event.model))
            if event.kind == "monitor resolved":
                break
    assert told.count(("monitor firing", "m")) == 2, told
    assert told[-1] == ("monitor resolved", "m")


def test_outcomes_are_watched(store: alula.Store) -> None:
    store.apply(MONITORS)
    random = np.random.default_rng(5)
    answer = read(store, [one % 100 for one in range(400)], random.normal(size=400))
    outcomes = np.arange(400) % 2
    store.log_predictions("m", answer.prediction_ids, random.uniform(size=400))
    missing = wait(store, "missing", bool).state
    assert missing.value == 1 and missing.reason == "400 of 400 predictions have no outcome"
    before = now()
    time.sleep(0.05)
    store.log_outcomes("m", answer.prediction_ids, [float(one) for one in outcomes])
    auc = wait(store, "auc", bool).state
    expected = float(store.performance("m")[0]["auc"])
    assert auc.value == pytest.approx(expected, abs=1e-12) and auc.rows == 400
    worse = wait(store, "worse", bool).state
    assert worse.threshold == pytest.approx(0.825) and "it was 0.875" in worse.reason
    assert wait(store, "missing", lambda one: one.state.state == "resolved").state.value == 0
    # What came later was not known then.
    assert store.try_monitor("missing", before).monitor.state.value == 1
    assert store.try_monitor("auc", before).monitor.state.state == "cannot tell"
    assert wait(store, "fresh", bool).state.reason.startswith("the newest row is of")
    told = looked(store, "before", now()).state
    assert told.state == "cannot tell" and "before" in told.reason


def test_on_the_command_line(own_server: Server, store: alula.Store, tmp_path: Path) -> None:
    run = CommandLine(own_server, tmp_path)
    words = ("--project", "p")
    assert "there are no monitors" in run("monitors", *words)
    store.apply(MONITORS)
    read(store, [one % 100 for one in range(500)], [9.0] * 500)
    wait(store, "asked", bool)
    table = run("monitors", *words)
    assert "drift asked" in table and "firing" in table and "pending" in table
    (one,) = [item for item in run.json("monitors", *words) if item["name"] == "asked"]
    assert one["state"] == "firing" and one["model"] == "m" and one["view"] is None
    assert one["lines"][0] == "drift of asked of model m" and one["rows"] == 500
    assert "every 1s" in run("monitors", "asked", *words)
    trial = run.json("monitors", "asked", "--at", now().isoformat(), *words)
    assert trial["looks"][-1]["state"] == "firing" and trial["monitor"]["state"] == "firing"
    assert 'did you mean "asked"?' in run.error("monitors", "askd", *words)
    assert 'did you mean "asked"?' in run.error(
        "monitors", "askd", "--at", now().isoformat(), *words
    )
    run.error("monitors", "--at", now().isoformat(), *words, code=2)
    with store.watch("m") as watch:
        file = run.file("none.yaml", "project: p\n")
        run("apply", file, "--retire", "monitor:asked", *words)
        assert "asked" not in store.monitors()
        for event in watch:
            if event.kind == "monitor resolved":
                break
    entries = [entry for entry in store.audit() if "monitor" in entry.act]
    assert [entry.act for entry in entries].count("change monitor") == 10
    assert entries[-1].act == "retire monitor" and entries[-1].object == "monitor:asked"


def test_what_is_not_there_is_refused(store: alula.Store) -> None:
    for line, expected in (
        ("model: n, what: drifted_share", "there is no model"),
        ("model: m, what: drift, feature: askd", 'did you mean "asked"'),
        ("view: empt, what: freshness, threshold: 1h", 'did you mean "empty"'),
    ):
        with pytest.raises(alula.InvalidArgument) as refusal:
            store.apply(f"project: p\nmonitors:\n  - {{name: x, {line}}}\n")
        assert expected in str(refusal.value)
    assert store.monitors() == {}
    with pytest.raises(alula.NotFound, match="there is no monitor"):
        store.try_monitor("x", NOW)

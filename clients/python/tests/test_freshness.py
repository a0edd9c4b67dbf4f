"""Freshness: that a view's newest row has grown older than its max age is told, and that it is fresh
again, once each.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import threading
import time
from pathlib import Path

import pytest
from command_line import CommandLine
from served_model import now
from server_process import Server, needs_server
from waiting import wait_until

import alula
from alula.monitoring import MonitorState
from alula.releases import Event

pytestmark = needs_server

DEFINITIONS = """
project: p
entities:
  - {name: person, keys: {id: int64}}
views:
  - {name: v, entity: person, max_age: 3s, features: {a: float64}}
  - {name: ageless, entity: person, features: {b: float64}}
  - {name: empty, entity: person, max_age: 1s, features: {c: float64}}
services:
  - {name: s, features: ["v:*"]}
monitors:
  - {name: fresh, view: v, what: freshness, threshold: 2s, every: 1s}
  - {name: never, view: empty, what: freshness, threshold: 2s, every: 1s}
"""


class Told:
    """The events of freshness from the first on."""

    def __init__(self, store: alula.Store) -> None:
        self.names: list[str] = []
        self.events: list[Event] = []
        self.watch = store.watch(after=0)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        for event in self.watch:
            if event.name.startswith("freshness."):
                self.events.append(event)
                self.names.append(event.name)

    def wait(self, *names: str) -> None:
        wait_until(lambda: len(self.names) >= len(names), tell=lambda: self.names)
        assert self.names == list(names)


@pytest.fixture
def store(own_server: Server) -> alula.Store:
    store = own_server.connect("p")
    store.apply(DEFINITIONS)
    return store


def push(store: alula.Store, view: str = "v", feature: str = "a") -> None:
    store.push(view, {"id": [1], "event_time": [now()], feature: [1.0]})


def test_each_change_is_told_once_over_a_kill(own_server: Server, store: alula.Store) -> None:
    push(store)
    push(store, "ageless", "b")
    told = Told(store)
    told.wait("freshness.lost")
    event = told.events[0]
    assert event.view == "v" and event.version == 0 and event.actor == "server"
    assert "the newest row is of" in event.detail and "max age is 3s" in event.detail
    # What was told before is not told again by the server that comes after.
    own_server.kill()
    own_server.start()
    time.sleep(3)
    told.wait("freshness.lost")
    push(store)
    told.wait("freshness.lost", "freshness.regained")
    told.wait("freshness.lost", "freshness.regained", "freshness.lost")
    # A view that has no max age any more is not left as lost.
    store.apply(DEFINITIONS.replace("max_age: 3s, ", "max_age: 1d, "))
    told.wait("freshness.lost", "freshness.regained", "freshness.lost", "freshness.regained")


def test_a_command_runs_for_it(own_server: Server, store: alula.Store, tmp_path: Path) -> None:
    run = CommandLine(own_server, tmp_path)
    push(store)
    Told(store).wait("freshness.lost")
    command = run.words(
        "on", "freshness_lost", "--project", "p", "--after", 0, "--state", "state", "--", "sh", "-c",
        "cat > event; echo $ALULA_EVENT_NAME >> event",
    )  # fmt: skip
    follower = subprocess.Popen(command, cwd=tmp_path, env=run.environment)
    try:
        file = tmp_path / "event"
        wait_until(lambda: file.exists() and "freshness.lost" in file.read_text())
        assert json.loads(file.read_text().splitlines()[0])["view"] == "v"
    finally:
        follower.terminate()
        follower.wait(30)
    assert "there is no event" in run.error("on", "freshness_found", "--", "true")
    line = run("watch", "--project", "p", "--after", 0, "--limit", 2)
    assert " v is not fresh any more: the newest row is of" in line


def test_a_monitor_is_tried_on_history(store: alula.Store) -> None:
    start = now()
    push(store)
    time.sleep(1)
    young = now()
    time.sleep(3)
    old = now()
    push(store)
    store.push("v", {"id": [2], "event_time": [start - dt.timedelta(days=1)], "a": [2.0]})
    time.sleep(0.2)
    again = now()

    def look(at: dt.datetime, name: str = "fresh") -> MonitorState:
        return store.try_monitor(name, at).monitor.state

    assert look(start - dt.timedelta(hours=1)).state == "cannot tell"
    assert look(young).state == "ok"
    assert look(old).state == "firing" and 3 <= (look(old).value or 0) < 30
    assert "the newest row was of" in look(old).reason
    assert look(again).state == "ok"
    assert look(now(), "never").reason == "history had no row of view empty"

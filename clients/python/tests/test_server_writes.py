"""Pushes and loads into a real server: statuses, threads, and what survives a kill."""

from __future__ import annotations

import datetime as dt
import subprocess
import threading

import numpy as np
import pytest
from server_process import BINARY, Server, needs_server

import alula

pytestmark = needs_server
UTC = dt.timezone.utc

PUSHES = """
project: push
entities:
  - {name: e, keys: {k: string, n: int64}}
views:
  - {name: v, entity: e, ttl: 7d, features: {x: float64, i: int32, emb: "float32[3]"}}
services:
  - {name: s, features: ["v:*"]}
"""


def test_a_push_is_served_when_it_returns_and_older_rows_lose(own_server: Server) -> None:
    store = own_server.connect("push")
    store.apply(PUSHES)
    now = dt.datetime.now(UTC)
    hour = dt.timedelta(hours=1)
    pushed = store.push(
        "v",
        [
            {
                "k": "a",
                "n": 1,
                "event_time": now - 2 * hour,
                "x": 1.0,
                "i": 1,
                "emb": [1.0, 2.0, 3.0],
            },
            {"k": "a", "n": 1, "event_time": now - 3 * hour, "x": 0.0, "i": 0, "emb": None},
            {"k": None, "n": 1, "event_time": now, "x": 0.0, "i": 0, "emb": None},
            {"k": "b", "n": 1, "event_time": now + hour, "x": 0.0, "i": 0, "emb": None},
            {"k": "b", "n": 1, "event_time": now - hour, "x": 0.0, "i": 2**31, "emb": None},
            {"k": "old", "n": 1, "event_time": now - 8 * 24 * hour, "x": 5.0, "i": 5, "emb": None},
        ],
    )
    assert pushed.statuses.tolist() == [
        "accepted",
        "older",
        "invalid",
        "inFuture",
        "invalid",
        "accepted",
    ]
    assert {problem.row for problem in pushed.problems} >= {2, 3, 4}
    answer = store.read("s", {"k": ["a", "b", "old"], "n": [1, 1, 1]})
    assert answer.statuses("x").tolist() == ["present", "notFound", "expired"]
    assert answer.column("x")[0] == 1.0 and np.isnan(answer.column("x")[1:]).all()
    assert answer.column("emb")[0].tolist() == [1, 2, 3]
    assert (
        abs(answer.event_times("x")[0] - np.datetime64((now - 2 * hour).replace(tzinfo=None))) == 0
    )
    again = store.push("v", {"k": ["a"], "n": [1], "event_time": [now - 2 * hour], "x": [9.0]})
    assert again.statuses.tolist() == ["accepted"]
    assert store.read("s", {"k": "a", "n": 1}).to_arrow().to_pylist() == [
        {"x": 9.0, "i": None, "emb": None}
    ]
    for bad, kind in (
        ({"k": ["a"], "n": ["x"], "event_time": [now]}, alula.InvalidArgument),
        ({"k": ["a"], "event_time": [now]}, alula.InvalidArgument),
    ):
        with pytest.raises(kind):
            store.push("v", bad)
    with pytest.raises(alula.NotFound, match="w"):
        store.push("w", {"k": ["a"]})
    offline = store.training_set("s", {"k": ["a", "old"], "n": [1, 1], "event_time": [now] * 2})
    assert offline.to_arrow()["x"].to_pylist() == [9.0, None]
    assert offline.report[0].expired == 1


def test_what_was_acknowledged_is_there_after_a_kill(own_server: Server) -> None:
    store = own_server.connect("push")
    store.apply(PUSHES)
    now = dt.datetime.now(UTC)
    acknowledged: list[int] = []
    stop = threading.Event()

    def push() -> None:
        number = 0
        while not stop.is_set():
            rows = {
                "k": ["x"] * 10,
                "n": range(number, number + 10),
                "event_time": [now] * 10,
                "x": [1.0] * 10,
            }
            try:
                store.push("v", rows, timeout=30)
            except alula.AlulaError:
                return
            acknowledged.extend(range(number, number + 10))
            number += 10

    thread = threading.Thread(target=push)
    thread.start()
    while len(acknowledged) < 200:
        stop.wait(0.01)
    own_server.kill()
    own_server.start()
    stop.wait(1.0)
    stop.set()
    thread.join(60)
    assert len(acknowledged) > 200
    answer = store.read("s", {"k": ["x"] * len(acknowledged), "n": acknowledged})
    assert set(answer.statuses("x").tolist()) == {"present"}
    for number in acknowledged[::97]:
        assert len(store.history("v", {"k": "x", "n": number})) == 1
    spine = {
        "k": ["x"] * len(acknowledged),
        "n": acknowledged,
        "event_time": [now] * len(acknowledged),
    }
    assert store.training_set("s", spine).report[0].matched == len(acknowledged)


def test_a_load_goes_on_after_the_server_was_killed(own_server: Server) -> None:
    store = own_server.connect("push")
    store.apply(PUSHES)
    count = 300_000
    rows = {
        "k": [f"key-{i % 1000}" for i in range(count)], "n": np.arange(count) // 1000,
        "event_time": np.full(count, np.datetime64("2024-01-01")), "x": np.arange(count) / 2.0,
        "i": np.arange(count, dtype=np.int32), "emb": np.zeros((count, 3), np.float32),
    }  # fmt: skip
    killed = threading.Event()

    def kill(done: int, total: int | None) -> None:
        if done > 100_000 and not killed.is_set():
            killed.set()
            own_server.kill()
            threading.Thread(target=own_server.start).start()

    try:
        loaded = store.load("v", rows, progress=kill)
    except alula.Unavailable:
        own_server.connect()
        loaded = store.load("v", rows, progress=False)
    assert killed.is_set() and loaded.rows == count
    assert sum(view.offline_rows for view in store.status().views) == count
    assert store.load("v", rows, progress=False).existed
    assert len(store.history("v", {"k": "key-7", "n": 3})) == 1
    assert [record.state for record in store.imports()] == ["published"]


def test_many_threads_read_and_write_at_once(own_server: Server) -> None:
    store = own_server.connect("push")
    store.apply(PUSHES)
    now = dt.datetime.now(UTC)
    failures: list[BaseException] = []

    def work(me: int) -> None:
        try:
            for turn in range(20):
                rows = {"k": [f"t{me}"], "n": [turn], "event_time": [now], "x": [float(turn)]}
                assert store.push("v", rows).accepted == 1
                assert store.read("s", {"k": [f"t{me}"], "n": [turn]}).column("x")[0] == turn
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(me,)) for me in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures


def test_a_second_server_on_the_same_directory_is_refused(own_server: Server) -> None:
    second = subprocess.run(
        [BINARY, "serve", "--data", str(own_server.directory), "--listen", "127.0.0.1:0",
         "--http", "127.0.0.1:0"], capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert second.returncode != 0 and str(own_server.directory) in second.stdout + second.stderr

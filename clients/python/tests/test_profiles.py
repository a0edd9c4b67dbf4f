"""Profiles of what came: rows of a view, vectors that a model was served; by hour, over a kill."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine
from served_model import DEFINITIONS, now, read, register
from server_process import Server, needs_server
from waiting import wait_until

import alula
import alula.aio

pytestmark = needs_server


@pytest.fixture
def quick(own_server: Server, tmp_path: Path) -> alula.Store:
    """A server whose hours are two seconds."""
    own_server.stop()
    own_server.options = ["--profile-span", "2s"]
    own_server.start()
    return prepared(own_server, tmp_path)


def prepared(server: Server, directory: Path) -> alula.Store:
    store = server.connect("p")
    store.apply(DEFINITIONS)
    push(store, [1, 2])
    register(store, directory, [0.5, 1.5])
    return store


def push(store: alula.Store, ids: list[int]) -> None:
    rows = {
        "id": ids, "event_time": [now()] * len(ids), "a": [float(one) for one in ids],
        "city": [f"c{one % 3}" for one in ids],
    }  # fmt: skip
    store.push("v", rows)


def rows_kept(server: Server) -> Any:
    file = sqlite3.connect(f"file:{server.directory}/offline.sqlite?mode=ro", uri=True)
    try:
        return dict(
            file.execute("SELECT substr(subject, 1, 4), sum(rows) FROM profile_hour GROUP BY 1")
        )
    finally:
        file.close()


def test_no_row_is_missed_or_counted_twice_over_kills(
    own_server: Server, quick: alula.Store
) -> None:
    drawn = random.Random(7)
    pushed, served = 2, 0
    lowest = 0
    for _ in range(4):
        end = time.monotonic() + drawn.uniform(1.0, 3.5)
        while time.monotonic() < end:
            ids = [drawn.randrange(1, 100) for _ in range(drawn.randrange(1, 20))]
            push(quick, sorted(set(ids)))
            pushed += len(set(ids))
            read(quick, ids)
            served += len(ids)
            time.sleep(0.05)
        # What was served is durable with the next scan of it.
        lowest = quick.profile_model("m").rows
        assert lowest == served
        own_server.kill()
        own_server.start()
        quick = own_server.connect("p")
        assert quick.profile_view("v").rows == pushed
        assert quick.profile_model("m").rows == served
    wait_until(lambda: rows_kept(own_server) == {"view": pushed, "mode": served})
    found = quick.profile_view("v")
    assert found.rows == pushed and sum(hour.rows for hour in found.hours) == pushed
    assert len(found.hours) > 2 and not any(hour.is_coarse for hour in found.hours)
    # A scan says the same of what was served.
    asked = quick.profile_model("m", version=1)["asked"]
    vectors = quick.predictions("m")
    assert asked.rows == len(vectors)
    assert asked.minimum == vectors["asked"].min() and asked.maximum == vectors["asked"].max()
    assert asked.mean == pytest.approx(vectors["asked"].mean(), rel=1e-12)
    assert quick.verify()


def test_a_forgotten_person_leaves_the_profiles(own_server: Server, quick: alula.Store) -> None:
    push(quick, [*range(1, 60), 1_000_000])
    read(quick, [*range(1, 60), 1_000_000])
    push(quick, [1])
    wait_until(lambda: rows_kept(own_server) == {"view": 63, "mode": 60})
    assert quick.profile_view("v")["a"].maximum == 1_000_000
    quick.forget("person", {"id": 1_000_000})
    for found in (quick.profile_view("v")["a"], quick.profile_model("m")["asked"]):
        assert found.maximum is not None and found.maximum < 1_000_000
    wait_until(lambda: rows_kept(own_server) == {"view": 62, "mode": 59})
    assert quick.profile_view("v")["a"].maximum == 59
    assert quick.profile_model("m")["asked"].maximum == 59


def test_a_retracted_push_leaves_the_profile(own_server: Server, quick: alula.Store) -> None:
    quick.load("v", {"id": [5], "event_time": [now()], "a": [7e9], "city": ["x"]})
    wait_until(lambda: rows_kept(own_server) == {"view": 3})
    assert quick.profile_view("v")["a"].maximum == 7e9
    quick.retract(quick.imports()[0].id)
    # Until it is made again, an hour of few rows has counts only.
    wait_until(lambda: quick.profile_view("v").rows == 2)
    assert quick.profile_view("v")["a"].maximum == 2


def test_spans_drift_and_words(own_server: Server, tmp_path: Path) -> None:
    store = prepared(own_server, tmp_path)
    run = CommandLine(own_server, tmp_path)
    words = ("--project", "p")
    push(store, list(range(1, 50)))
    read(store, [1, 2, 3])
    found = run.json("profile", "view:v", *words)
    assert found["rows"] == 51 and found["hours"][-1]["rows"] in (51, 49)
    assert [feature["name"] for feature in found["features"]] == ["a", "city"]
    assert run.json("profile", "m", *words)["rows"] == 3
    assert run.json("profile", "model:m", 1, *words)["hours"][0]["version"] == 1
    assert run.json("profile", "m", 2, *words)["rows"] == 0
    assert "asked" in run("profile", "m", 1, *words) and "begin" in run(
        "profile", "m", "--hours", *words
    )
    assert run.json("profile", "view:v", "--until", "2020-01-01T00:00:00Z", *words)["rows"] == 0
    assert "no view" in run.error("profile", "view:w", *words)
    assert "no model" in run.error("profile", "w", *words)
    assert "of a model" in run.error("profile", "view:v", 1, *words)
    assert "ends before" in run.error(
        "profile", "view:v", "--since", "2020-01-02T00:00:00Z", "--until", "2020-01-01T00:00:00Z",
        *words,
    )  # fmt: skip
    id = store.training_sets()[0].id
    assert "a" in run("profile", id, *words)
    drift = store.drift("view:v", against=(None, now()))
    assert not drift.is_drift and drift.compared == 2 and "v as it came" in drift.current
    told = run.json("drift", "view:v", "--against", "2020-01-01T00:00:00Z..", *words)
    assert told["compared"] == 2
    assert "another time" in run.error("drift", "view:v", *words)
    with pytest.raises(alula.InvalidArgument, match="versions"):
        store.drift("view:v", against=(None, now()), versions=[1])
    with pytest.raises(alula.NotFound, match="no view"):
        store.profile_view("nothing")


def test_with_await(own_server: Server, tmp_path: Path) -> None:
    store = prepared(own_server, tmp_path)
    read(store, [1])

    async def work() -> tuple[int, int]:
        async with await alula.aio.connect(
            f"alula://127.0.0.1:{own_server.port}", project="p"
        ) as waiting:
            view = await waiting.profile_view("v")
            model = await waiting.profile_model("m", version=[1])
            return view.rows, model.rows

    assert asyncio.run(work()) == (2, 1)


def test_what_is_set_for_a_log_is_audited(own_server: Server, tmp_path: Path) -> None:
    store = prepared(own_server, tmp_path)
    store.set_prediction_log("m", rate=0.25)
    store.set_prediction_log("m", rate=0.25)
    store.set_prediction_log("m", keep_days=7)
    with pytest.raises(alula.InvalidArgument):
        store.set_prediction_log("m", rate=7)
    found = store.audit(object="model:m", act="set prediction log")
    assert [(entry.before, entry.after) for entry in found] == [
        ("rate 1.0, kept for ever", "rate 0.25, kept for ever"),
        ("rate 0.25, kept for ever", "rate 0.25, kept for 7d"),
    ]
    assert json.loads(CommandLine(own_server, tmp_path).run("audit", "verify", "--json").stdout)


def test_a_set_made_of_the_log_has_a_profile(own_server: Server, tmp_path: Path) -> None:
    store = prepared(own_server, tmp_path)
    answer = read(store, [1, 2])
    store.log_outcomes("m", answer.prediction_ids, [1.0, 3.0])
    made = store.training_set_from_log("m")
    profile = store.profile(made.id)
    assert profile.rows == 2 and profile["asked"].mean == 1.5 and profile["outcome"].maximum == 3
    assert "prediction_id" not in profile and "id" not in profile and "event_time" not in profile
    read(store, [1, 2])
    assert store.drift("m", against=made.id).compared == 3


def test_verify_reads_the_prediction_log(own_server: Server, tmp_path: Path) -> None:
    store = prepared(own_server, tmp_path)
    answer = read(store, [1, 2])
    store.log_outcomes("m", answer.prediction_ids, [1.0, 3.0])
    found = store.verify()
    assert found and found.served_rows == 4 and found.served_segments == 2
    own_server.stop()
    with sqlite3.connect(own_server.directory / "offline.sqlite") as file:
        number, block = file.execute(
            "SELECT number, bytes FROM served_block ORDER BY number LIMIT 1 OFFSET 5"
        ).fetchone()
        flipped = bytearray(block)
        flipped[len(flipped) // 2] ^= 4
        file.execute("UPDATE served_block SET bytes = ? WHERE number = ?", (flipped, number))
    own_server.start()
    found = store.verify()
    assert not found and any("prediction log of m" in problem for problem in found.problems)
    assert "prediction log" in CommandLine(own_server, tmp_path).run("verify", code=1).stdout

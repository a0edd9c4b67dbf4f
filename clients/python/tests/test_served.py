"""The prediction log against a real server, and against a model of it in Python."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from command_line import CommandLine
from server_process import Server, needs_server

import alula

pytestmark = needs_server

DEFINITIONS = """
project: p
entities:
  - {name: person, keys: {id: int64}}
  - {name: place, keys: {zip: string}}
views:
  - {name: v, entity: person, features: {a: int64, b: float64}}
  - {name: w, entity: place, features: {city: string, flag: bool}}
services:
  - {name: s, features: ["v:a", "v:b", "w:city", "w:flag"], request: {asked: float64}}
"""
NOW = dt.datetime.now(dt.timezone.utc)
OLD = NOW - dt.timedelta(days=2)


def register(store: alula.Store, file: Path, model: str = "m") -> int:
    spine = {"id": [1], "zip": ["x"], "event_time": [NOW], "asked": [1.0]}
    with store.run("x", training_set=store.training_set("s", spine)) as run:
        return int(run.register(model, [file]))


def prepared(server: Server, tmp_path: Path) -> alula.Store:
    store = server.connect("p")
    store.apply(DEFINITIONS)
    (tmp_path / "f").write_bytes(b"model")
    assert register(store, tmp_path / "f") == 1
    store.promote("m", 1, "production", reason="test")
    people = range(20)
    store.push("v", {
        "id": list(people), "event_time": [OLD] * 20, "a": [10 * i for i in people],
        "b": [0.5 * i for i in people],
    })  # fmt: skip
    store.push("w", {
        "zip": ["x", "y"], "event_time": [OLD] * 2, "city": ["Ulm", "Rom"], "flag": [True, None],
    })  # fmt: skip
    return store


@pytest.fixture
def store(own_server: Server, tmp_path: Path) -> alula.Store:
    return prepared(own_server, tmp_path)


def served(store: alula.Store, ids: list[int], zip: str = "x", **words: Any) -> alula.Answer:
    words = {"model": "m", "log": True, **words}
    keys = {"id": ids, "zip": [zip] * len(ids)}
    return store.read(keys=keys, request={"asked": [float(i) for i in ids]}, **words)


def test_what_is_served_is_logged_as_it_was(store: alula.Store) -> None:
    answer = served(store, [3, 99], "y")
    assert answer.logged.all()
    ids = answer.prediction_ids
    assert [len(i) for i in ids] == [32, 32] and ids == sorted(set(ids))
    store.push("v", {"id": [3], "event_time": [NOW], "a": [-1], "b": [None]})
    frame = store.predictions("m", statuses=True).set_index("@prediction_id")
    assert list(frame.index) == ids
    first, second = frame.loc[ids[0]], frame.loc[ids[1]]
    assert (first["a"], first["b"], first["city"], first["asked"]) == (30, 1.5, "Rom", 3.0)
    assert (first["id"], first["zip"], first["@model_version"]) == (3, "y", 1)
    assert [first[f"{c}@status"] for c in ("a", "city", "flag")] == [0, 0, 1]
    assert second["a@status"] == 2 and pd.isna(second["a"]) and second["city"] == "Rom"
    assert pd.isna(first["@prediction"]) and pd.isna(first["@outcome"])
    plain = store.read(model="m", keys={"id": [1], "zip": ["x"]}, request={"asked": 1.0})
    with pytest.raises(alula.Refused, match="not logged"):
        _ = plain.prediction_ids
    assert len(store.predictions("m")) == 2


def test_the_command_line_writes_ids_as_the_client_has_them(
    store: alula.Store, own_server: Server, tmp_path: Path
) -> None:
    """They were base64 there, and hexadecimal digits here."""
    ids = served(store, [1, 2]).prediction_ids
    assert len(store.predictions("m")) == 2
    cli = CommandLine(own_server, tmp_path)
    rows = list(csv.DictReader(io.StringIO(cli("predictions", "m"))))
    assert [row["@prediction_id"] for row in rows] == ids
    lines = cli("predictions", "m", "--format", "ndjson").splitlines()
    assert [json.loads(line)["@prediction_id"] for line in lines] == ids


def test_a_pinned_model_logs_too(store: alula.Store) -> None:
    model = store.model("m", stage="production")
    answer = model.read({"id": [1, 2], "zip": ["x", "x"]}, {"asked": [1.0, 2.0]}, log=True)
    assert answer.to_numpy is not None and answer.column("a").tolist() == [10, 20]
    assert model.log(answer.prediction_ids, [0.25, 0.75]).accepted == 2
    frame = store.predictions("m")
    assert frame["@prediction"].tolist() == [0.25, 0.75]
    with pytest.raises(alula.InvalidArgument, match="expected one for each id"):
        model.log(answer.prediction_ids, [0.25])


def test_large_reads_are_logged_whole(store: alula.Store) -> None:
    rows = 40_000
    ids = [i % 20 for i in range(rows)]
    answer = served(store, ids)
    assert len(answer) == rows and answer.logged.all()
    assert len(set(answer.prediction_ids)) == rows
    frame = store.predictions("m")
    assert len(frame) == rows
    by_id = frame.set_index("@prediction_id").loc[answer.prediction_ids]
    assert (by_id["a"].to_numpy() == 10 * np.array(ids)).all()
    assert (by_id["asked"].to_numpy() == np.array(ids)).all()


def test_bad_input_is_told_and_harms_nothing(store: alula.Store) -> None:
    ids = served(store, [1, 2, 3]).prediction_ids
    late = dt.datetime.now(dt.timezone.utc)
    told = store.log_outcomes(
        "m",
        [ids[0], ids[0], ids[1], ids[2], "0" * 31 + "1", ids[0][:24] + "00000001"],
        [1.0] * 6,
        [late, late, late + dt.timedelta(days=1), OLD, late, late],
    )
    assert told.statuses.tolist() == [
        "accepted", "duplicate", "inFuture", "beforePrediction", "notLogged", "notLogged",
    ]  # fmt: skip
    never = "0" * 16 + "0000000180000001"
    assert store.log_outcomes("m", [never], [1.0]).statuses.tolist() == ["unknown"]
    assert store.log_outcomes("m", ids[0], 1.0, late).statuses.tolist() == ["duplicate"]
    assert store.log_predictions("m", [ids[0], ids[0]], [1, 2]).counts() == {
        "accepted": 1, "duplicate": 1,
    }  # fmt: skip
    with pytest.raises(alula.InvalidArgument, match="float64"):
        store.log_outcomes("m", [ids[1]], ["yes"])
    with pytest.raises(alula.InvalidArgument, match="row 1"):
        store.log_outcomes("m", [ids[1], "nonsense"], [1.0, 1.0])
    with pytest.raises(alula.NotFound, match="nobody"):
        store.log_outcomes("nobody", [ids[1]], [1.0])
    with pytest.raises(alula.InvalidArgument, match="of a model"):
        store.read("s", {"id": [1], "zip": ["x"]}, {"asked": 1.0}, log=True)
    with pytest.raises(alula.NotFound, match="alula|model"):
        store.read(model="nobody", keys={"id": [1]}, log=True)
    frame = store.predictions("m")
    assert len(frame) == 3 and frame["@outcome"].notna().sum() == 1


def test_a_model_without_a_service_has_no_vectors(store: alula.Store, tmp_path: Path) -> None:
    with store.run("x") as run:
        run.register("bare", [tmp_path / "f"])
    with pytest.raises(alula.AlulaError, match="service"):
        store.read(model="bare", version=1, keys={"id": [1]}, log=True)
    assert store.log_outcomes("bare", ["0" * 16 + "0000000180000001"], [1]).counts() == {
        "unknown": 1
    }
    assert store.skew("bare").rows == 0
    with pytest.raises(alula.NotFound, match="no vectors"):
        store.training_set_from_log("bare")


def test_a_share_of_keys_is_kept(store: alula.Store) -> None:
    assert store.set_prediction_log("m", rate=0.3).rate == 0.3
    ids = list(range(500))
    first, second = served(store, ids), served(store, ids)
    assert first.logged.tolist() == second.logged.tolist()
    kept = int(first.logged.sum())
    assert 100 < kept < 200
    frame = store.predictions("m")
    assert len(frame) == 2 * kept
    assert set(frame["id"]) == {i for i, is_kept in zip(ids, first.logged) if is_kept}
    told = store.log_predictions("m", first.prediction_ids, np.zeros(500))
    assert told.counts() == {"accepted": kept, "notLogged": 500 - kept}
    with pytest.raises(alula.InvalidArgument, match="0 to 1"):
        store.set_prediction_log("m", rate=1.5)


def test_the_joined_log_is_that_of_an_oracle(store: alula.Store) -> None:
    random.seed(7)
    truth: dict[str, dict[str, Any]] = {}
    order = 0
    for _ in range(30):
        people = [random.randrange(25) for _ in range(random.randrange(1, 40))]
        answer = served(store, people)
        for person, id in zip(people, answer.prediction_ids):
            truth[id] = {"id": person, "a": 10 * person if person < 20 else None, "outcomes": []}
        some = random.sample(sorted(truth), min(25, len(truth)))
        told = store.log_predictions("m", some, [float(i) for i in range(len(some))])
        for id, value, status in zip(some, range(len(some)), told.statuses):
            assert status == ("duplicate" if "prediction" in truth[id] else "accepted")
            truth[id].setdefault("prediction", float(value))
        some = random.choices(sorted(truth), k=20)
        now = dt.datetime.now(dt.timezone.utc)
        times = [now + dt.timedelta(seconds=random.randrange(30)) for _ in some]
        values = [random.random() for _ in some]
        assert store.log_outcomes("m", some, values, times).accepted == len(some)
        for id, value, at in zip(some, values, times):
            order += 1
            truth[id]["outcomes"].append((at, order, value))
    frame = store.predictions("m").set_index("@prediction_id")
    assert list(frame.index) == sorted(truth)
    for id, row in truth.items():
        found = frame.loc[id]
        assert found["id"] == row["id"]
        assert (None if pd.isna(found["a"]) else found["a"]) == row["a"]
        said = found["@prediction"]
        assert (None if pd.isna(said) else said) == row.get("prediction")
        came = found["@outcome"]
        assert (None if pd.isna(came) else came) == (
            max(row["outcomes"])[2] if row["outcomes"] else None
        )


def test_a_kill_loses_a_second_at_most_and_nothing_acknowledged(
    own_server: Server, store: alula.Store
) -> None:
    ids = served(store, list(range(20))).prediction_ids
    assert store.log_predictions("m", ids[:10], [0.5] * 10).accepted == 10
    assert store.log_outcomes("m", ids[:5], [1.0] * 5).accepted == 5
    older = served(store, list(range(20))).prediction_ids
    time.sleep(1.5)
    newer = served(store, list(range(20))).prediction_ids
    own_server.kill()
    own_server.start()
    store = own_server.connect("p")
    frame = store.predictions("m").set_index("@prediction_id")
    assert set(ids) | set(older) <= set(frame.index) <= set(ids) | set(older) | set(newer)
    assert frame["@prediction"].notna().sum() == 10 and frame["@outcome"].notna().sum() == 5
    lost = [id for id in newer if id not in frame.index]
    if lost:
        assert store.log_outcomes("m", lost, [1.0] * len(lost)).counts() == {"unknown": len(lost)}
    again = served(store, [1]).prediction_ids
    assert again[0] > max(newer)


def test_a_forgotten_key_is_gone_from_the_log(own_server: Server, store: alula.Store) -> None:
    ids = served(store, [1, 2, 1]).prediction_ids
    store.log_predictions("m", ids, [0.1, 0.2, 0.3])
    store.log_outcomes("m", ids, [1.0, 0.0, 1.0])
    train = store.training_set_from_log("m")
    gone = store.forget("person", {"id": 1})
    assert gone.served_vectors == 2
    frame = store.predictions("m")
    assert frame["@prediction_id"].tolist() == [ids[1]] and frame["@outcome"].tolist() == [0.0]
    assert store.log_outcomes("m", ids, [0.5] * 3).counts() == {"accepted": 1, "unknown": 2}
    with pytest.raises(alula.Incomplete):
        store.get_training_set(train.id)
    left = store.get_training_set(train.id, incomplete=True).to_pandas()
    assert left["prediction_id"].dropna().tolist() == [ids[1]]


def test_a_training_set_of_what_was_served(store: alula.Store) -> None:
    ids = served(store, [1, 2, 3]).prediction_ids
    store.log_predictions("m", ids, [0.1, 0.2, 0.3])
    store.log_outcomes("m", ids[:2], [1.0, 0.0])
    before = dt.datetime.now(dt.timezone.utc)
    # History says otherwise by now; what was served does not change.
    store.push("v", {"id": [1, 2], "event_time": [OLD] * 2, "a": [-5, -6], "b": [0.0, 0.0]})
    train = store.training_set_from_log("m")
    frame = train.to_pandas()
    assert frame["a"].tolist() == [10, 20] and frame["outcome"].tolist() == [1.0, 0.0]
    assert frame["prediction_id"].tolist() == ids[:2] and frame["prediction"].tolist() == [0.1, 0.2]
    assert train.label == "outcome" and train.rows == 2
    again = store.get_training_set(train.id)
    assert again.digest == train.digest and again.to_pandas().equals(frame)
    assert store.training_set_from_log("m").digest == train.digest
    store.log_outcomes("m", ids[:1], [0.0])
    assert store.training_set_from_log("m").to_pandas()["outcome"].tolist() == [0.0, 0.0]
    assert store.training_set_from_log("m", as_known=before).digest == train.digest
    assert len(store.training_set_from_log("m", without_outcome=True).to_pandas()) == 3
    assert store.get_training_set(train.id).digest == train.digest

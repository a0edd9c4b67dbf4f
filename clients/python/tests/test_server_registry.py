"""Runs, versions, gates and the past through a real server."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import numpy as np
import pytest
from server_process import Server, needs_server

import alula

pytestmark = needs_server
UTC = dt.timezone.utc

MODELS = """
project: models
entities:
  - {name: e, keys: {k: int64}}
views:
  - {name: v, entity: e, features: {x: float64}}
services:
  - {name: s, features: ["v:*"], request: {amount: float64}}
gates:
  - {model: m, to: staging, require: [{metric: auc, better: higher, min: 0.6}]}
  - model: m
    to: production
    from: [staging]
    require: [{metric: auc, better: higher, min: 0.7, no_worse_than_holder_by: 0.01}]
"""


def test_from_a_run_to_production_and_back(own_server: Server, tmp_path: Path) -> None:
    store = own_server.connect("models")
    store.apply(MODELS)
    store.load(
        "v",
        {"k": [1, 2], "event_time": [dt.datetime(2024, 1, 1)] * 2, "x": [0.5, 1.5]},
        progress=False,
    )
    spine = {
        "k": [1, 2, 3],
        "event_time": [dt.datetime(2024, 2, 1)] * 3,
        "amount": [1, 2, 3],
        "y": [0, 1, 0],
    }
    train = store.training_set("s", spine, label="y")
    model = tmp_path / "model.bin"
    model.write_bytes(os.urandom(3_000_000))

    def register(auc: float) -> alula.ModelVersion:
        with store.run(
            "tuning", training_set=train, params={"auc": auc}, tags={"by": "test"}
        ) as run:
            for step in range(20):
                run.log_metric("loss", 1 / (step + 1))
            run.log_metric("auc", auc)
            return run.register("m", [model], description="a test")

    first, bad, second = register(0.75), register(0.5), register(0.8)
    assert (first, bad, second) == (1, 2, 3)
    assert first.training_set == train.id and first.training_digest == train.digest
    assert (
        first.service == "s@1" and first.metrics["auc"] == 0.75 and first.params == {"auc": "0.75"}
    )
    runs = store.runs("tuning")
    assert [run.status for run in runs] == ["finished"] * 3
    points = store.get_run(runs[0].id).points
    assert [(p.name, p.step) for p in points if p.name == "loss"] == [
        ("loss", step) for step in range(20)
    ]

    with pytest.raises(alula.Refused) as caught:
        store.promote("m", bad, "staging")
    assert any("auc" in reason for reason in caught.value.details) or "auc" in str(caught.value)
    with pytest.raises(alula.Refused):
        store.promote("m", first, "production")
    assert not store.promote("m", bad, "staging", dry_run=True)
    for version in (first, second):
        assert store.promote("m", version, "staging").passed
        assert store.promote("m", version, "production", reason="better").version == version
    assert store.model("m", stage="production").version == second

    served = store.model("m", stage="production")
    paths = served.download(tmp_path / "out")
    assert paths["model.bin"].read_bytes() == model.read_bytes()
    np.testing.assert_array_equal(
        served.read({"k": [2, 9]}, request={"amount": [5, 6]}).to_numpy(), [[1.5, 5], [np.nan, 6]]
    )
    back = store.rollback("m", "production", reason="a test")
    assert back.version == first and store.model("m", stage="production").version == first
    assert served.version == second
    assert [v.version for v in store.versions("m")] == [3, 2, 1]
    (registered,) = store.models()
    assert {h.stage: h.version for h in registered.holders}["production"] == 1
    kinds = {node.kind for node in store.lineage("m", first).nodes}
    assert {"version", "run", "training set", "service", "view"} <= kinds
    assert "training set" in str(store.lineage("m", first))
    acts = [entry.act for entry in store.audit()]
    assert any("promote" in act for act in acts) and any("rollback" in act for act in acts)
    assert store.model("m", version=2).version == bad
    with pytest.raises(alula.NotFound):
        store.model("none", stage="production")
    with pytest.raises(alula.NotFound):
        store.model("m", version=99)


def test_a_training_set_as_of_the_past_hides_what_came_later(own_server: Server) -> None:
    store = own_server.connect("models")
    store.apply(MODELS)
    event = dt.datetime(2024, 1, 1)
    store.push("v", {"k": [1], "event_time": [event], "x": [1.0]})
    spine = {"k": [1], "event_time": [dt.datetime(2024, 2, 1)], "amount": [0]}
    before = store.training_set("s", spine)
    store.push("v", {"k": [1], "event_time": [event + dt.timedelta(days=1)], "x": [2.0]})
    assert store.training_set("s", spine).to_arrow()["x"].to_pylist() == [2.0]
    for point in (before, before.id, before.log_entry):
        again = store.training_set("s", spine, as_of=point)
        assert again.to_arrow()["x"].to_pylist() == [1.0] and again.digest == before.digest
    known = store.training_set("s", spine, as_known=True)
    assert known.to_arrow()["x"].to_pylist() == [None]
    assert store.get_training_set(before.id).digest == before.digest
    assert {record.id for record in store.training_sets()} >= {before.id, known.id}

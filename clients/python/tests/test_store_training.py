"""Training sets, runs and models against a toy server."""

from __future__ import annotations

import datetime as dt
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from fake_server import ITEM, FakeServer, Frame, Peer
from toy_store import ToyStore, batch_bytes, fields

import alula
from alula._frames import Op
from alula._proto import training_pb2
from alula._types import from_proto

NOW = dt.datetime(2024, 1, 1)


class Trains(ToyStore):
    digest = ""
    spine = b""

    def make_training_set(self, peer: Peer, frame: Frame) -> None:
        if frame.kind == ITEM:
            self.spine += frame.data
        elif frame.kind == 4:
            self.training_items(peer, frame, self.digest)

    def get_training_set(self, peer: Peer, frame: Frame) -> None:
        self.training_items(peer, frame, self.digest)


def golden_digest() -> str:
    """The digest of the toy's rows, by the vectors' own code."""
    import importlib.util

    path = Path(__file__).resolve().parents[3] / "proto" / "vectors" / "digest.py"
    spec = importlib.util.spec_from_file_location("digest_vectors", path)
    assert spec is not None and spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    values = [
        ("id", "int64", [1, None, 3]), ("amount", "float64", [2.5, 1.5, 0.0]), ("label", "int32", [0, 1, 1]),
        ("score", "float64", [0.5, None, "nan"]), ("small", "int32", [7, None, -1]),
    ]  # fmt: skip
    found: str = module.digest([{"name": n, "type": t, "values": v} for n, t, v in values])
    return found


SPINE = {
    "id": [1.0, None, 3.0], "name": ["a", np.nan, "c"], "amount": [2, 1, 0], "label": [0, 1, 1],
    "event_time": [NOW, None, NOW],
}  # fmt: skip


def test_a_training_set_is_proved_by_its_digest(tmp_path: Path) -> None:
    toy = Trains()
    toy.digest = golden_digest()
    with FakeServer(toy.handle) as server:
        store = alula.connect(server.address)
        train = store.training_set("s", SPINE, label="label", as_of=12)
        (frame,) = server.requests(Op.MAKE_TRAINING_SET)
        request = training_pb2.MakeTrainingSetRequest.FromString(frame.control)
        assert (request.service, request.event_time, request.label) == (
            "s@1",
            "event_time",
            "label",
        )
        assert request.as_of.log_entry == 12
        schema = from_proto(request.schema.fields)
        assert schema == fields(
            "id:int64 name:string amount:float64 label:int64 event_time:timestamp"
        )
        micros = 1_704_067_200_000_000
        assert toy.spine == batch_bytes(
            schema, [[1, "a", 2.0, 0, micros], [None, None, 1.0, 1, None], [3, "c", 0.0, 1, micros]]
        )
        assert (train.id, len(train), train.digest) == ("ts-1", 3, toy.digest)
        train.verify()
        np.testing.assert_array_equal(
            train.X, [[0.5, 7, 2.5], [np.nan, np.nan, 1.5], [np.nan, -1, 0]]
        )
        assert train.y.tolist() == [0, 1, 1] and train.y.dtype == np.int32
        assert train.to_arrow()["id"].to_pylist() == [1, None, 3]
        assert train.to_pandas().columns.tolist() == ["id", "amount", "label", "score", "small"]
        assert str(train.report[0]) == "v: 2 matched, 1 not found"
        assert [batch.num_rows for batch in train.batches()] == [2, 1]
        train.write_parquet(tmp_path / "t.parquet")
        assert pq.read_table(tmp_path / "t.parquet").num_rows == 3
        assert store.get_training_set("ts-1").digest == train.digest
        store.training_set("s", SPINE, as_of=train)
        last = training_pb2.MakeTrainingSetRequest.FromString(
            server.requests(Op.MAKE_TRAINING_SET)[1].control
        )
        assert last.as_of.training_set == "ts-1"


def test_verify_finds_a_training_set_with_another_digest() -> None:
    toy = Trains()
    toy.digest = golden_digest()
    with FakeServer(toy.handle) as server:
        alula.connect(server.address).training_set("s", SPINE, label="label").verify()
        toy.digest = "0" * 64
        train = alula.connect(server.address).training_set("s", SPINE, label="label")
        with pytest.raises(alula.DataLoss, match="digest"):
            train.verify()


@pytest.mark.parametrize("suffix", ["parquet", "csv", "arrow"])
def test_a_spine_is_read_from_a_file(suffix: str, tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {**SPINE, "id": pd.Series([1, None, 3], dtype="Int64"), "name": ["a", None, "007"]}
    )
    path = tmp_path / f"spine.{suffix}"
    {"parquet": frame.to_parquet, "arrow": frame.to_feather}.get(
        suffix, lambda p: frame.to_csv(p, index=False)
    )(path)
    toy = Trains()
    toy.digest = golden_digest()
    with FakeServer(toy.handle) as server:
        alula.connect(server.address).training_set("s", path, label="label")
        request = training_pb2.MakeTrainingSetRequest.FromString(
            server.requests(Op.MAKE_TRAINING_SET)[0].control
        )
        assert request.spine_name == f"spine.{suffix}"
        schema = from_proto(request.schema.fields)
        micros = 1_704_067_200_000_000
        assert toy.spine == batch_bytes(
            schema,
            [[1, "a", 2.0, 0, micros], [None, None, 1.0, 1, None], [3, "007", 0.0, 1, micros]],
        )


BAD_SPINES = [
    ({"id": [1], "event_time": [NOW]}, {}, "lacks 2 columns"),
    (SPINE, {"event_time": "when"}, 'no event time column "when"'),
    (SPINE, {"label": "lable"}, 'no label column "lable"'),
    (SPINE, {"unknown": "drop"}, "unknown"),
    (SPINE, {"as_of": "yesterday"}, "as_of"),
    ({**SPINE, "id": ["x", "y", "z"]}, {}, 'column "id": expected int64'),
    ({**SPINE, "id": [1.5, 2, 3]}, {}, 'column "id", row 0'),
    ({**SPINE, "event_time": ["2024", "x", None]}, {}, 'column "event_time", row 0'),
    ({k: v for k, v in SPINE.items() if k != "event_time"}, {}, "cannot be told"),
]


@pytest.mark.parametrize("spine, options, said", BAD_SPINES)
def test_a_bad_spine_is_said_before_any_row_is_sent(spine: Any, options: Any, said: str) -> None:
    with FakeServer(Trains().handle) as server:
        with pytest.raises(alula.InvalidArgument, match=said):
            alula.connect(server.address).training_set("s", spine, **options)
        assert ITEM not in [frame.kind for frame in server.frames]


def test_metrics_arrive_in_order_and_before_a_version_is_registered(tmp_path: Path) -> None:
    toy = ToyStore()
    model, other = tmp_path / "model.onnx", tmp_path / "empty.txt"
    model.write_bytes(b"m" * 700_000)
    other.write_bytes(b"")
    with FakeServer(toy.handle) as server:
        store = alula.connect(server.address)
        with store.run("e", params={"c": 1.0}, code_revision="r") as run:
            for step in range(5_000):
                run.log_metric("loss", step / 2)
            run.log_metrics({"auc": 0.7, "loss": 1.0}, step=9_999)
            version = run.register("m", [model, other], tags={"k": "v"})
            assert toy.metrics_at_register == 5_002
            run.log_metric("late", 1)
        assert version == 4 and version.model == "m" and f"{version}" == "4"
        assert [a.name for a in version.artifacts] == ["model.onnx", "empty.txt"]
        assert [(m.name, m.step) for m in toy.metrics[:5_000]] == [
            ("loss", s) for s in range(5_000)
        ]
        assert [m.name for m in toy.metrics[5_000:]] == ["auc", "loss", "late"]
        assert run.record.status == "finished"
        assert set(toy.artifacts.values()) == {b"m" * 700_000, b""}
        with pytest.raises(alula.InvalidArgument, match="not valid"):
            run.log_metric("a b", 1)


def test_a_run_that_raises_ends_failed() -> None:
    with FakeServer(ToyStore().handle) as server:
        with pytest.raises(ZeroDivisionError):
            with alula.connect(server.address).run("e", code_revision="") as run:
                run.log_metric("a", 1 / 0)
        assert run.record.status == "failed"


def test_metrics_wait_while_the_server_is_away(monkeypatch: Any) -> None:
    monkeypatch.setattr("alula._transport._FIRST_PAUSE", 0.001)
    monkeypatch.setattr("alula._transport._LONGEST_PAUSE", 0.002)
    toy, away = ToyStore(), threading.Event()

    def handle(peer: Peer, frame: Frame) -> None:
        if away.is_set() and frame.operation == Op.LOG_RUN:
            peer.fail(frame, 14, "starting", retry=1)
        else:
            toy.handle(peer, frame)

    with FakeServer(handle) as server:
        with alula.connect(server.address).run("e", code_revision="") as run:
            away.set()
            for step in range(10):
                run.log_metric("a", step)
            while len(server.requests(Op.LOG_RUN)) < 12:
                threading.Event().wait(0.01)
            away.clear()
            run.flush(20)
            assert [m.value for m in toy.metrics] == list(range(10))


def test_a_metric_that_is_refused_is_said_on_leaving() -> None:
    toy = ToyStore()
    toy.log_run = lambda peer, frame: peer.fail(frame, 3, "no such run")  # type: ignore[method-assign]
    with FakeServer(toy.handle) as server:
        with pytest.raises(alula.InvalidArgument, match="no such run"):
            with alula.connect(server.address).run("e", code_revision="") as run:
                run.log_metric("a", 1)


def test_artifacts_are_checked_before_a_version_is_registered(tmp_path: Path) -> None:
    with FakeServer(ToyStore().handle) as server:
        run = alula.connect(server.address).run("e", code_revision="")
        (tmp_path / "a").mkdir()
        for name in ("f", "a/f"):
            (tmp_path / name).write_text(name)
        for given, said in (
            ([], "at least one"), ([tmp_path / "none"], "neither a file"),
            ([tmp_path / "f", tmp_path / "a" / "f"], "two artifacts"),
        ):  # fmt: skip
            with pytest.raises(alula.InvalidArgument, match=said):
                run.register("m", given)
        assert run.register("m", {"one": tmp_path / "f", "two": tmp_path / "a" / "f"}) == 4


def test_a_damaged_download_leaves_no_file(tmp_path: Path) -> None:
    toy = ToyStore()
    with FakeServer(toy.handle) as server:
        store = alula.connect(server.address)
        (tmp_path / "f").write_bytes(b"x" * 300_000)
        artifact = store.put_artifact(tmp_path / "f")
        target = store.get_artifact(artifact.digest, tmp_path / "out" / "g")
        assert target.read_bytes() == b"x" * 300_000
        toy.artifacts[artifact.digest] = b"y" * 300_000
        with pytest.raises(alula.DataLoss):
            store.get_artifact(artifact.digest, tmp_path / "out" / "h")
        assert [p.name for p in (tmp_path / "out").iterdir()] == ["g"]


def test_a_refused_promotion_says_every_reason() -> None:
    with FakeServer(ToyStore().handle) as server:
        store = alula.connect(server.address)
        with pytest.raises(alula.Refused) as caught:
            store.promote("m", 4, "production")
        assert caught.value.details == ["auc at least 0.7: failed (0.6 is below)"]
        verdict = store.promote("m", 4, "production", dry_run=True)
        assert not verdict and verdict.rules[0].outcome == "failed"

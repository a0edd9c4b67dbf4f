"""Pushes and loads against a toy server: what is sent, and what is told of bad rows."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fake_server import ITEM, FakeServer, Frame, Peer
from toy_store import ToyStore, batch_bytes, fields

import alula
from alula._arrow import to_arrow
from alula._batch import decode_batch
from alula._frames import Op
from alula._proto import features_pb2
from alula._types import from_proto


class Pushes(ToyStore):
    def push(self, peer: Peer, frame: Frame) -> None:
        rows = int.from_bytes(frame.data[:4], "little")
        codes = bytes([1] + [0] * (rows - 1)) if rows < 10 else bytes(rows)
        problems = [features_pb2.RowProblem(row=0, reason="older")] if rows < 10 else []
        peer.respond(
            frame, features_pb2.PushResponse(log_entry=9, statuses=codes, problems=problems)
        )


NOW = dt.datetime(2024, 1, 1)


def test_a_push_has_a_status_for_every_row() -> None:
    with FakeServer(Pushes().handle) as server:
        pushed = alula.connect(server.address).push(
            "v",
            {"id": [1, None, 3, 4], "name": ["a", "b", "c", "d"], "event_time": [NOW] * 4,
             "small": [1, 2, 2**31, 4]},
        )  # fmt: skip
        assert pushed.statuses.tolist() == ["older", "invalid", "invalid", "accepted"]
        assert (pushed.accepted, pushed.refused, pushed.log_entry) == (2, 2, 9)
        said = [str(problem) for problem in pushed.problems]
        assert said[0] == "row 0: older" and 'row 1: column "id": a key is null' in said[1]
        assert "row 2" in said[2] and "int32" in said[2]
        with pytest.raises(alula.InvalidArgument, match="2 of 4 rows"):
            pushed.raise_for_problems()
        (frame,) = server.requests(Op.PUSH)
        request = features_pb2.PushRequest.FromString(frame.control)
        schema = from_proto(request.schema.fields)
        assert schema == fields("id:int64 name:string small:int32 @event_time:timestamp")
        micros = 1_704_067_200_000_000
        assert frame.data == batch_bytes(schema, [[1, "a", 1, micros], [4, "d", 4, micros]])
        assert len(request.head.request_id) == 16


def test_a_push_takes_rows_of_every_shape() -> None:
    rows = [{"id": 1, "name": "a", "event_time": NOW, "score": 0.5, "vector": [1.0, 2.0]}]
    columns = {name: [value] for name, value in rows[0].items()}
    for given in (rows, rows[0], columns, pd.DataFrame(rows), pa.Table.from_pylist(rows)):
        with FakeServer(Pushes().handle) as server:
            assert len(alula.connect(server.address).push("v", given)) == 1


def test_a_large_push_goes_in_several_writes() -> None:
    count = 150_000
    with FakeServer(Pushes().handle) as server:
        pushed = alula.connect(server.address).push(
            "v",
            {"id": np.arange(count), "name": ["n"] * count, "event_time": np.full(count, np.datetime64(NOW)),
             "vector": np.zeros((count, 2))},
        )  # fmt: skip
        assert pushed.accepted == count
        frames = server.requests(Op.PUSH)
        assert len(frames) > 4 and max(f.size for f in frames) <= 1 << 20
        ids = {features_pb2.PushRequest.FromString(f.control).head.request_id for f in frames}
        assert len(ids) == len(frames)


BAD_PUSHES = [
    ({"id": [1], "name": ["a"]}, "event_time: timestamp"),
    ({"name": ["a"], "event_time": [NOW]}, "id: int64"),
    (
        {"id": [1], "name": ["a"], "event_time": [NOW], "scor": [1.0]},
        'no column "scor": did you mean "score"',
    ),
    (
        {"id": ["x"], "name": ["a"], "event_time": [NOW]},
        'column "id": expected int64, found string',
    ),
    ({"id": [1], "name": ["a"], "event_time": [5]}, "pandas.to_datetime"),
]


@pytest.mark.parametrize("rows, said", BAD_PUSHES)
def test_a_push_with_a_wrong_column_is_refused_whole(rows: Any, said: str) -> None:
    with FakeServer(Pushes().handle) as server:
        with pytest.raises(alula.InvalidArgument) as caught:
            alula.connect(server.address).push("v", rows)
        assert said in str(caught.value)
        assert not server.requests(Op.PUSH)


def history_frame(rows: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "extra": 1, "id": np.arange(rows), "name": [f"n{i}" for i in range(rows)],
            "event_time": pd.Timestamp("2024-01-01"), "score": np.arange(rows) / 2, "small": 1,
            "tag": "t" * 200, "vector": [[1.0, 2.0]] * rows,
        }
    )  # fmt: skip


def loaded_rows(toy: ToyStore) -> list[dict[str, Any]]:
    schema = fields(
        "id:int64 name:string score:float64 small:int32 tag:string vector:float32[2] @event_time:timestamp"
    )
    rows: list[dict[str, Any]] = []
    for number in sorted(toy.chunks):
        batch, _ = decode_batch(toy.chunks[number][1], schema)
        table = pa.table([to_arrow(c) for c in batch.columns], [f.name for f in schema])
        assert toy.chunks[number][0] == len(rows)
        rows += table.to_pylist()
    return rows


@pytest.mark.parametrize("kind", ["pandas", "arrow", "dict", "parquet", "arrow file", "csv"])
def test_history_is_loaded_in_chunks_from_every_source(kind: str, tmp_path: Path) -> None:
    frame, toy = history_frame(12_000), ToyStore()
    source: Any = frame
    if kind == "arrow":
        source = pa.Table.from_pandas(frame)
    elif kind == "dict":
        source = {name: frame[name].tolist() for name in frame}
    elif kind == "parquet":
        source = tmp_path / "h.parquet"
        frame.to_parquet(source, row_group_size=5_000)
    elif kind == "arrow file":
        source = str(tmp_path / "h.arrow")
        frame.to_feather(source, compression="uncompressed")
    elif kind == "csv":
        source = tmp_path / "h.csv"
        frame.to_csv(source, index=False)
    seen: list[int] = []
    with FakeServer(toy.handle) as server:
        store = alula.connect(server.address)
        done = store.load("v", source, progress=lambda rows, total: seen.append(rows))
        assert (done.rows, done.materialized, done.log_entry, done.existed) == (12_000, 3, 5, False)
        assert len(toy.chunks) > 2 and seen[-2:-1] == [12_000]
        assert max(f.size for f in server.frames) <= 1 << 20
        assert loaded_rows(toy) == [
            {
                "id": i, "name": f"n{i}", "score": i / 2, "small": 1, "tag": "t" * 200, "vector": [1.0, 2.0],
                "@event_time": dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc),
            }
            for i in range(12_000)
        ]  # fmt: skip
        if isinstance(source, Path):
            assert toy.begun[0].source_digest == hashlib.sha256(source.read_bytes()).digest()
            assert toy.begun[0].source_name == source.name
        again = store.load("v", source, progress=False, materialize=False)
        assert again.existed and toy.begun[0].options == toy.begun[1].options
        assert toy.begun[0].source_digest == toy.begun[1].source_digest


def test_a_load_goes_on_after_a_lost_connection() -> None:
    toy = ToyStore()

    def handle(peer: Peer, frame: Frame) -> None:
        if frame.operation == Op.STAGE_ROWS and frame.kind == ITEM and len(toy.chunks) == 1:
            if server.connections == 1:
                toy.handle(peer, frame)
                peer.hang_up()
        toy.handle(peer, frame)

    with FakeServer(handle) as server:
        done = alula.connect(server.address).load("v", history_frame(12_000), progress=False)
        assert done.rows == 12_000 and server.connections == 2
        assert [row["id"] for row in loaded_rows(toy)] == list(range(12_000))


def test_a_load_resumes_behind_what_is_staged() -> None:
    toy = ToyStore()
    with FakeServer(toy.handle) as server:
        store = alula.connect(server.address)
        store.load("v", history_frame(12_000), progress=False)
        whole = dict(toy.chunks)
        toy.state, toy.chunks = "staging", {0: whole[0]}
        store.load("v", history_frame(12_000), progress=False)
        assert toy.chunks == whole


def test_bad_rows_stop_a_load_or_are_skipped_and_told() -> None:
    frame = history_frame(10)
    frame["small"] = frame["small"].astype("int64")
    frame.loc[3, "small"] = 2**31
    frame.loc[5, "name"] = None
    frame.loc[7, "event_time"] = pd.NaT
    frame.loc[8, "event_time"] = pd.Timestamp("2300-01-01")
    toy = ToyStore()
    with FakeServer(toy.handle) as server:
        store = alula.connect(server.address)
        with pytest.raises(alula.InvalidArgument, match='column "name", row 5: a key is null'):
            store.load("v", frame, progress=False)
        assert not toy.chunks and not toy.begun
        done = store.load("v", frame, on_error="skip", progress=False)
        assert (done.rows, done.skipped) == (6, 4)
        assert {problem.row for problem in done.problems} == {3, 5, 7, 8}
        toy.chunks, toy.state = {}, "staging"
        assert store.load("v", frame, on_error="skip", allow_future=True, progress=False).rows == 7
        with pytest.raises(alula.InvalidArgument, match="on_error"):
            store.load("v", frame, on_error="ignore")


CSV = "id,name,event_time,score,small,tag,vector\n"
CSV_GOOD = '1,a,2024-01-01,0.5,1,t,"[1,2]"\n'
BAD_CSV = [
    ("", "is empty"),
    (CSV, "no rows"),
    ("id,name,event_time,score,small,tag\n1,a,2024-01-01,1,1,t\n", "vector: float32[2]"),
    ("event_time;id\n", "lacks 7 columns"),
    (CSV + CSV_GOOD + 'x,a,2024-01-01,0.5,1,t,"[1,2]"\n', 'column "id", row 1: expected int64'),
    (CSV + CSV_GOOD * 2 + '1,a,2024-13-01,0.5,1,t,"[1,2]"\n', 'column "event_time", row 2'),
    (
        CSV + '1,a,2024-01-01,0.5,2147483648,t,"[1,2]"\n',
        'column "small", row 0: the number does not fit int32',
    ),
    (CSV + '1,a,2024-01-01,half,1,t,"[1,2]"\n', 'column "score", row 0: expected a number'),
    (
        CSV + '1,a,2024-01-01,0.5,1,t,"[1,2,3]"\n',
        'column "vector", row 0: expected a list of 2 items',
    ),
    (CSV + '1,a,2024-01-01,0.5,1,t,"[1,null]"\n', 'column "vector", row 0: expected a JSON array'),
    (CSV + '1,"",2024-01-01,0.5,1,t,\n,,2024-01-01,,,,\n', 'column "id", row 1: a key is null'),
    (CSV + "1,a,2024-01-01\n", "row 0: expected 7 fields, found 3"),
    (CSV.replace("tag", "id"), 'several columns "id"'),
]


@pytest.mark.parametrize("text, said", BAD_CSV)
def test_a_bad_csv_is_said_by_column_and_row(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    path.write_text(text)
    toy = ToyStore()
    with FakeServer(toy.handle) as server:
        with pytest.raises(alula.InvalidArgument) as caught:
            alula.connect(server.address).load("v", path, progress=False)
        assert said in str(caught.value)
        assert toy.state == "staging"


def test_invalid_utf8_in_a_csv_is_said_by_row(tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    path.write_bytes((CSV + CSV_GOOD).encode() + b'1,\xff\xfe,2024-01-01,0.5,1,t,"[1,2]"\n')
    with FakeServer(ToyStore().handle) as server:
        with pytest.raises(
            alula.InvalidArgument, match='column "name", row 1: the text is not valid UTF-8'
        ):
            alula.connect(server.address).load("v", path, progress=False)


def test_a_csv_skips_rows_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "h.csv"
    path.write_text(
        CSV + CSV_GOOD + "1,2\n" + "x" + CSV_GOOD + CSV_GOOD + '2,"",2024-01-01T00:00:00.5Z,,,,\n'
    )
    toy = ToyStore()
    with FakeServer(toy.handle) as server:
        done = alula.connect(server.address).load("v", path, on_error="skip", progress=False)
        assert (done.rows, done.skipped) == (3, 2)
        last = loaded_rows(toy)[-1]
        assert (last["name"], last["score"], last["vector"], last["tag"]) == ("", None, None, None)
        assert last["@event_time"].microsecond == 500_000


def test_files_that_are_not_what_they_say(tmp_path: Path) -> None:
    whole = tmp_path / "whole.parquet"
    history_frame(1_000).to_parquet(whole)
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(whole.read_bytes()[:-100])
    middle = tmp_path / "middle.parquet"
    raw = bytearray(whole.read_bytes())
    raw[200:4_000] = bytes(3_800)
    middle.write_bytes(raw)
    text = tmp_path / "text.parquet"
    text.write_text("not parquet at all")
    arrow = tmp_path / "cut.arrow"
    history_frame(10).to_feather(arrow)
    arrow.write_bytes(arrow.read_bytes()[:-50])
    for path in (cut, middle, text, arrow):
        with FakeServer(ToyStore().handle) as server:
            with pytest.raises(alula.InvalidArgument, match="cut short"):
                alula.connect(server.address).load("v", path, progress=False)
    with FakeServer(ToyStore().handle) as server:
        store = alula.connect(server.address)
        with pytest.raises(alula.NotFound, match="no file"):
            store.load("v", tmp_path / "none.csv")
        with pytest.raises(alula.InvalidArgument, match="directory"):
            store.load("v", tmp_path)
        with pytest.raises(alula.InvalidArgument, match="expected a .parquet"):
            (tmp_path / "x.bin").write_text("x")
            store.load("v", tmp_path / "x.bin")
        with pytest.raises(alula.NotFound, match='no view "w"'):
            store.load("w", whole)

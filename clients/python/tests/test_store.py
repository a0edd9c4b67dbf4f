"""The words of the store against a toy server: what is sent, and what is made of answers."""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fake_server import ITEM, REQUEST, FakeServer, Frame, Peer
from toy_store import ToyStore, answer_bytes, batch_bytes, fields

import alula
from alula._arrow import to_arrow
from alula._batch import decode_batch
from alula._frames import Op
from alula._numpy import fill_floats
from alula._proto import features_pb2, training_pb2
from alula._types import from_proto, to_proto
from alula.answer import Plan


class Reads(ToyStore):
    """Answers reads with given rows; ``in_items`` sends them as a large answer is sent."""

    rows: list[list[Any]] = [[0.5, 7, 2.0], [None, None, 3.0], [None, None, None]]
    parts = [([10, 20, 0], [0, 3, 2])]
    plan = 77
    in_items = False

    def read(self, peer: Peer, frame: Frame) -> None:
        if frame.kind != REQUEST:
            return
        request = features_pb2.ReadRequest.FromString(frame.control)
        response = features_pb2.ReadResponse(plan=self.plan, service=f"s@{self.version}", rows=3)
        if request.known_plan != self.plan:
            response.schema.CopyFrom(to_proto(self.vector))
            response.parts.append(features_pb2.ViewPart(label="v", view="v", columns=2))
        if not self.in_items:
            peer.respond(frame, response, answer_bytes(self.vector, self.rows, self.parts))
            return
        for row in range(3):
            part = [([self.parts[0][0][row]], [self.parts[0][1][row]])]
            peer.item(frame, response, answer_bytes(self.vector, [self.rows[row]], part))
            response.ClearField("schema")
            response.ClearField("parts")
        peer.respond(frame, response)


KEYS = {"id": [1, 2, 3], "name": ["a", "b", "ż"]}
REQUEST_FIELDS = {"amount": [2, 3.0, None]}


@pytest.mark.parametrize("in_items", [False, True])
def test_an_answer_in_all_its_forms(in_items: bool) -> None:
    toy = Reads()
    toy.in_items = in_items
    with FakeServer(toy.handle) as server:
        answer = alula.connect(server.address).read("s", KEYS, REQUEST_FIELDS)
        assert (len(answer), answer.columns, answer.service) == (
            3,
            ["score", "small", "amount"],
            "s@1",
        )
        np.testing.assert_array_equal(
            answer.to_numpy(), [[0.5, 7, 2], [np.nan, np.nan, 3], [np.nan, np.nan, np.nan]]
        )
        assert answer.to_arrow().to_pydict() == {
            "score": [0.5, None, None], "small": [7, None, None], "amount": [2.0, 3.0, None],
        }  # fmt: skip
        assert answer.to_pandas()["score"].isna().tolist() == [False, True, True]
        assert answer.statuses("score").tolist() == ["present", "expired", "notFound"]
        assert answer.statuses("amount").tolist() == ["present", "present", "null"]
        times = answer.event_times("small")
        assert times[:2].astype("i8").tolist() == [10, 20] and np.isnat(times[2])
        assert np.isnat(answer.event_times("amount")).all()
        assert answer.column("small")[0] == 7
        with pytest.raises(alula.NotFound, match="no column"):
            answer.statuses("scroe")


def test_a_null_in_a_row_that_is_there_has_status_null() -> None:
    toy = Reads()
    toy.rows, toy.parts = [[0.5, None, 1.0]] * 3, [([10] * 3, [0] * 3)]
    with FakeServer(toy.handle) as server:
        answer = alula.connect(server.address).read("s", KEYS, REQUEST_FIELDS)
        assert answer.statuses("small").tolist() == ["null"] * 3
        assert answer.statuses("score").tolist() == ["present"] * 3


def test_the_request_holds_keys_and_request_fields_of_the_right_types() -> None:
    toy = Reads()
    with FakeServer(toy.handle) as server:
        alula.connect(server.address).read("s", KEYS, REQUEST_FIELDS)
        (frame,) = server.requests(Op.READ)
        request = features_pb2.ReadRequest.FromString(frame.control)
        assert request.head.request_id == b"" and request.service == "s"
        schema = from_proto(request.schema.fields)
        assert schema == fields("id:int64 name:string amount:float64")
        rows = [[1, "a", 2.0], [2, "b", 3.0], [3, "ż", None]]
        assert frame.data == batch_bytes(schema, rows)


@pytest.mark.parametrize(
    "ids, names",
    [
        ([1, 2, 3], ["a", "b", "c"]),
        (np.array([1, 2, 3]), ("a", "b", "c")),
        (np.array([1, 2, 3], np.int16), pd.Series(["a", "b", "c"])),
        (pd.Series([1.0, 2.0, 3.0]), pa.array(["a", "b", "c"])),
        (pa.array([1, 2, 3], pa.uint8()), np.array(["a", "b", "c"])),
    ],
)
def test_keys_of_every_kind_make_the_same_request(ids: Any, names: Any) -> None:
    toy = Reads()
    with FakeServer(toy.handle) as server:
        alula.connect(server.address).read("s", {"id": ids, "name": names}, {"amount": 1})
        expected = batch_bytes(
            fields("id:int64 name:string amount:float64"),
            [[1, "a", 1.0], [2, "b", 1.0], [3, "c", 1.0]],
        )
        assert server.requests(Op.READ)[0].data == expected


def test_a_known_plan_is_named_and_its_schema_remembered() -> None:
    toy = Reads()
    with FakeServer(toy.handle) as server:
        store = alula.connect(server.address)
        first = store.read("s", KEYS, REQUEST_FIELDS).to_numpy()
        np.testing.assert_array_equal(store.read("s", KEYS, REQUEST_FIELDS).to_numpy(), first)
        toy.plan = 78
        np.testing.assert_array_equal(store.read("s", KEYS, REQUEST_FIELDS).to_numpy(), first)
        known = [
            features_pb2.ReadRequest.FromString(f.control).known_plan
            for f in server.requests(Op.READ)
        ]
        assert known == [0, 77, 77]
        assert len(server.requests(Op.DESCRIBE_CATALOG)) == 1


BAD_READS = [
    ({"id": [1]}, None, "needs 2 more inputs", "name: string"),
    ({"id": [1], "name": ["a"]}, None, "needs 1 more", "amount: float64"),
    ({**KEYS, "nam": [1]}, REQUEST_FIELDS, 'takes no "nam": did you mean "name"', ""),
    ({"id": [1, 2], "name": ["a"]}, {"amount": 1}, "differ in length", ""),
    ({"id": [1, None], "name": ["a", "b"]}, {"amount": 1}, 'column "id", row 1: a key is null', ""),
    ({"id": [np.nan], "name": ["a"]}, {"amount": 1}, 'column "id", row 0: a key is null', ""),
    ({"id": ["1"], "name": ["a"]}, {"amount": 1}, 'column "id": expected int64, found string', ""),
    ({"id": [1.5], "name": ["a"]}, {"amount": 1}, 'column "id", row 0', ""),
    (
        {"id": [2**63], "name": ["a"]},
        {"amount": 1},
        'column "id", row 0: the number does not fit',
        "",
    ),
    ({"id": [1], "name": [7]}, {"amount": 1}, 'column "name": expected string', ""),
]


@pytest.mark.parametrize("keys, request_fields, said, detail", BAD_READS)
def test_bad_keys_are_said_by_column_and_row(
    keys: Any, request_fields: Any, said: str, detail: str
) -> None:
    with FakeServer(Reads().handle) as server:
        with pytest.raises(alula.InvalidArgument) as caught:
            alula.connect(server.address).read("s", keys, request_fields)
        assert said in str(caught.value) and detail in str(caught.value)
        assert not server.requests(Op.READ)


def test_an_unknown_service_is_said_with_a_near_name() -> None:
    with FakeServer(Reads().handle) as server:
        store = alula.connect(server.address)
        with pytest.raises(alula.NotFound, match='did you mean "s"'):
            store.read("ss", KEYS)
        with pytest.raises(alula.NotFound, match="no version 9: published are 1 to 1"):
            store.read("s@9", KEYS)


def test_a_read_learns_of_a_new_definition() -> None:
    toy = Reads()
    with FakeServer(toy.handle) as server:
        store = alula.connect(server.address)
        store.read("s", KEYS, REQUEST_FIELDS)
        toy.request, toy.version, toy.plan = fields(""), 2, 90
        toy.vector = fields("score:float64 small:int32")
        toy.rows = [[1.0, 2]] * 3
        assert store.read("s", KEYS).to_numpy().shape == (3, 2)


def test_strings_have_no_floats() -> None:
    toy = Reads()
    toy.vector = fields("tag:string vector:float32[2] amount:float64")
    toy.rows = [["x", [1.0, 2.0], 3.0]] * 3
    with FakeServer(toy.handle) as server:
        answer = alula.connect(server.address).read("s", KEYS, REQUEST_FIELDS)
        with pytest.raises(alula.InvalidArgument) as caught:
            answer.to_numpy()
        assert caught.value.details == ["tag: string", "vector: float32[2]"]
        assert answer.column("vector").tolist() == [[1, 2]] * 3
        assert answer.column("tag").tolist() == ["x"] * 3


@pytest.mark.parametrize("seed", range(20))
def test_gathered_floats_equal_those_taken_column_by_column(seed: int) -> None:
    random = np.random.default_rng(seed)
    kinds = ["bool", "int32", "int64", "float32", "float64", "timestamp"][: 1 + seed % 6]
    schema = fields(
        " ".join(f"c{i}:{kinds[random.integers(len(kinds))]}" for i in range(1 + seed * 3))
    )
    plan = Plan(features_pb2.ReadResponse(plan=1, service="s@1", schema=to_proto(schema)))

    def value(kind: str) -> Any:
        if random.random() < 0.3:
            return None
        return bool(random.integers(2)) if kind == "bool" else int(random.integers(-9, 9))

    for rows in (1, 2, 7, 8, 9, 33, 2_000):
        encoded = batch_bytes(schema, [[value(str(f.type)) for f in schema] for _ in range(rows)])
        batch, _ = decode_batch(encoded, schema)
        expected = np.empty((rows, len(schema)))
        fill_floats(batch, list(range(len(schema))), expected)
        for _ in range(2):
            np.testing.assert_array_equal(plan.floats(b"" + encoded), expected)


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
    ("event_time;id\n", "columns are missing"),
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


def test_a_training_set_with_another_digest_is_refused() -> None:
    toy = Trains()
    toy.digest = "0" * 64
    with FakeServer(toy.handle) as server:
        with pytest.raises(alula.DataLoss, match="digest"):
            alula.connect(server.address).training_set("s", SPINE, label="label")


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
            ([], "at least one"), ([tmp_path / "none"], "not a file"), ([tmp_path / "a"], "not a file"),
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

"""Reads against a toy server: what is sent, and what is made of answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fake_server import REQUEST, FakeServer, Frame, Peer
from toy_store import ToyStore, answer_bytes, batch_bytes, fields

import alula
from alula._frames import Op
from alula._proto import features_pb2
from alula._types import from_proto, to_proto


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
        with pytest.raises(alula.NotFound, match="no version 9: the newest is 1"):
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

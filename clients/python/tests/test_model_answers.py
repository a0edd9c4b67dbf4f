"""Reads by model: one call that says which version answered, pinned or following a stage."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_server import REQUEST, FakeServer, Frame, Peer
from server_process import Server, needs_server
from toy_store import ToyStore, answer_bytes, fields

import alula
from alula import aio
from alula._frames import Op
from alula._proto import catalog_pb2, features_pb2, registry_pb2
from alula._types import from_proto, to_proto


class Models(ToyStore):
    """A model whose versions read services of their own: version 1 s@1, version 2 s@2."""

    keys = fields("id:int64")
    requests = {1: fields("amount:float64"), 2: fields("amount:float64 term:int64")}
    vectors = {
        1: fields("score:float64 amount:float64"),
        2: fields("small:int64 score:float64 amount:float64 term:int64"),
    }

    def __init__(self) -> None:
        super().__init__()
        self.production, self.newest = 1, 2
        self.served: list[int] = []

    def describe_catalog(self, peer: Peer, frame: Frame) -> None:
        services = [
            catalog_pb2.ServiceDefinition(
                name="s", version=number, key_columns=to_proto(self.keys).fields,
                request_fields=to_proto(request).fields,
            )
            for number, request in self.requests.items()
        ]  # fmt: skip
        peer.respond(frame, catalog_pb2.CatalogResponse(services=services))

    def chosen(self, request: Any) -> int:
        if request.version:
            return int(request.version)
        assert request.stage == "production" and request.model == "credit"
        return self.production

    def resolve_version(self, peer: Peer, frame: Frame) -> None:
        request = registry_pb2.ResolveVersionRequest.FromString(frame.control)
        number = self.chosen(request)
        if number == 9:
            peer.respond(frame, registry_pb2.ModelVersion(model="credit", version=9))
            return
        peer.respond(
            frame, registry_pb2.ModelVersion(model="credit", version=number, service=f"s@{number}")
        )

    def read(self, peer: Peer, frame: Frame) -> None:
        if frame.kind != REQUEST:
            return
        request = features_pb2.ReadRequest.FromString(frame.control)
        assert request.model and not request.service
        number = self.chosen(request)
        sent = from_proto(request.schema.fields)
        if sent != self.keys + self.requests[number]:
            peer.fail(frame, 3, f"s@{number} takes other columns")
            return
        self.served.append(number)
        response = features_pb2.ReadResponse(
            plan=number, service=f"s@{number}", rows=1, model_version=number
        )
        vector = self.vectors[number]
        if request.known_plan != number:
            response.schema.CopyFrom(to_proto(vector))
            response.parts.append(
                features_pb2.ViewPart(label="v", view="v", columns=1 if number == 1 else 2)
            )
        row = [0.5, 2.0] if number == 1 else [7, 0.5, 2.0, 12]
        peer.respond(frame, response, answer_bytes(vector, [row], [([10], [0])]))


def test_a_pinned_model_stays_until_it_is_told() -> None:
    toy = Models()
    with FakeServer(toy.handle) as server:
        model = alula.connect(server.address).model("credit", stage="production")
        answer = model.read({"id": 1}, request={"amount": 2})
        assert (answer.model_version, answer.service) == (1, "s@1")
        np.testing.assert_array_equal(answer.to_numpy(), [[0.5, 2.0]])
        toy.production = 2
        assert model.read({"id": 1}, request={"amount": 2}).model_version == 1
        assert model.refresh() and int(model.version) == 2 and model.service == "s@2"
        assert not model.refresh()
        with pytest.raises(
            alula.InvalidArgument, match=r"model credit 2 \(s@2\) needs 1 more"
        ) as e:
            model.read({"id": 1}, request={"amount": 2})
        assert e.value.details == ["term: int64"]
        answer = model.read({"id": 1}, request={"amount": 2, "term": 12})
        assert answer.columns == ["small", "score", "amount", "term"]
        assert toy.served == [1, 1, 2]
        sent = [features_pb2.ReadRequest.FromString(f.control) for f in server.requests(Op.READ)]
        assert [(r.version, r.stage, r.known_plan) for r in sent] == [
            (1, "", 0),
            (1, "", 1),
            (2, "", 0),
        ]


def test_a_read_by_stage_follows_it_call_by_call() -> None:
    toy = Models()
    with FakeServer(toy.handle) as server:
        store = alula.connect(server.address)

        def read(**request: Any) -> alula.Answer:
            return store.read(model="credit", keys={"id": [1]}, request=request)

        assert read(amount=2).model_version == 1
        toy.production = 2
        # The inputs are those of another service now: it is looked up, and said what is missing.
        with pytest.raises(alula.InvalidArgument, match=r"in production \(s@2\) needs 1 more"):
            read(amount=2)
        assert read(amount=2, term=12).model_version == 2
        toy.production = 1
        with pytest.raises(alula.InvalidArgument, match=r'\(s@1\) takes no "term"'):
            read(amount=2, term=12)
        answer = read(amount=2)
        assert (answer.model_version, answer.columns) == (1, ["score", "amount"])


def test_a_promotion_to_a_service_with_the_same_inputs_is_seen_at_once() -> None:
    toy = Models()
    toy.requests = {1: fields("amount:float64"), 2: fields("amount:float64")}
    toy.vectors = {**toy.vectors, 2: fields("small:int64 score:float64 amount:float64 x:int64")}
    with FakeServer(toy.handle) as server:
        store = alula.connect(server.address)
        for number in (1, 2, 1, 2):
            toy.production = number
            for _ in range(3):
                answer = store.read(model="credit", keys={"id": [1]}, request={"amount": 2})
                assert (answer.model_version, answer.service) == (number, f"s@{number}")
                assert answer.column("score").tolist() == [0.5]


def test_the_same_with_await() -> None:
    toy = Models()
    with FakeServer(toy.handle) as server:

        async def work() -> None:
            async with await aio.connect(server.address) as store:
                model = await store.model("credit")
                keys, request = {"id": [1]}, {"amount": 2}
                assert (await model.read(keys, request)).model_version == 1
                toy.production = 2
                assert (await model.read(keys, request)).model_version == 1
                assert await model.refresh()
                request["term"] = 12
                assert (await model.read(keys, request)).model_version == 2
                assert (
                    await store.read(model="credit", version=2, keys=keys, request=request)
                ).service == "s@2"
                with pytest.raises(alula.InvalidArgument, match="needs 1 more"):
                    await store.read(model="credit", keys=keys, request={"amount": 1})

        asyncio.run(work())


def test_a_version_without_a_service_is_refused_with_what_to_do() -> None:
    toy = Models()
    with FakeServer(toy.handle) as server:
        store = alula.connect(server.address)
        with pytest.raises(alula.Refused, match="names no service"):
            store.model("credit", version=9).read({"id": 1})
        with pytest.raises(alula.Refused, match="names no service"):
            store.read(model="credit", version=9, keys={"id": 1})


WRONG = [
    ({}, "a service, or model="),
    ({"service": "s", "model": "credit"}, "not of both"),
    ({"service": "s", "stage": "production"}, "a service, or model="),
    ({"service": "s", "version": 1}, "a service, or model="),
    ({"model": "credit", "alias": "a", "stage": "production"}, "an alias names one version"),
    ({"model": "credit", "alias": "a", "version": 1}, "an alias names one version"),
    ({"model": "credit", "version": 0}, "expected 1 or more"),
]


@pytest.mark.parametrize("asked, message", WRONG)
def test_what_is_asked_for_is_one_thing(asked: dict[str, Any], message: str) -> None:
    with FakeServer(Models().handle) as server:
        store = alula.connect(server.address)
        for word in (store.read, store.read_batches):
            with pytest.raises(alula.InvalidArgument, match=message):
                word(**asked, keys={"id": [1]})
        assert not server.frames


@pytest.mark.parametrize(
    "request_fields, message",
    [
        ({"amount": "much"}, 'column "amount": expected float64, found string'),
        ({"amuont": 1}, "needs 1 more"),
        ({"amount": 1, "amuont": 1}, 'takes no "amuont": did you mean "amount"'),
        ({"amount": [1, 2]}, "differ in length"),
    ],
)
def test_request_values_are_checked_by_name(request_fields: Any, message: str) -> None:
    toy = Models()
    with FakeServer(toy.handle) as server:
        store = alula.connect(server.address)
        with pytest.raises(alula.InvalidArgument, match=message):
            store.read(model="credit", keys={"id": [1]}, request=request_fields)
        assert toy.served == []


@needs_server
def test_a_real_server_answers_exactly_the_pinned_version(
    own_server: Server, tmp_path: Path
) -> None:
    """Pinned and following, blocking and awaited, while promotions go on: the vector is always that
    of the version that the answer names."""
    first = (
        "project: p\nentities: [{name: e, keys: {id: int64}}]\n"
        "views: [{name: v, entity: e, features: {x: float64, y: int64}}]\n"
        'services: [{name: s, features: ["v:x"], request: {amount: float64}}]\n'
    )
    columns = {1: ["x", "amount"], 2: ["y", "x", "amount"]}
    path = tmp_path / "m.bin"
    path.write_bytes(b"w")
    with own_server.connect() as store:
        store.apply(first)
        moment = np.array(["2026-01-01"], "M8[us]")
        store.push(
            "v", {"id": [1], "x": [0.5], "y": [7], "event_time": moment}
        ).raise_for_problems()
        for number, text in ((1, first), (2, first.replace('["v:x"]', '["v:y", "v:x"]'))):
            store.apply(text)
            with store.run("e", code_revision="") as run:
                assert run.register("credit", [path], service=f"s@{number}") == number
            store.promote("credit", number, "staging")
            if number == 1:
                store.promote("credit", 1, "production")
        pinned = store.model("credit")
        keys, request = {"id": [1, 2]}, {"amount": 9.0}

        def promote() -> None:
            for turn in range(12):
                store.promote("credit", 2 - turn % 2, "production")

        thread = threading.Thread(target=promote)
        thread.start()
        seen = set()
        while thread.is_alive():
            assert pinned.read(keys, request).model_version == 1
            answer = store.read(model="credit", keys=keys, request=request)
            seen.add(answer.model_version)
            assert answer.columns == columns[answer.model_version]
            assert answer.service == f"s@{answer.model_version}"
            assert answer.column("x")[0] == 0.5 and answer.column("amount").tolist() == [9, 9]
        thread.join()
        assert seen <= {1, 2}
        assert pinned.read(keys, request).columns == columns[1]
        batches = list(pinned.read_batches({"id": np.arange(100_000)}, request))
        assert sum(map(len, batches)) == 100_000 and {b.model_version for b in batches} == {1}
        with pytest.raises(alula.InvalidArgument, match='takes no "amuont"'):
            pinned.read(keys, {"amount": 1, "amuont": 1})
        with pytest.raises(alula.NotFound):
            store.read(model="credit", version=9, keys=keys, request=request)
        with pytest.raises(alula.NotFound):
            store.read(model="debit", keys=keys, request=request)

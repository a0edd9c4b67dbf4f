"""The words with await: every one is there, and reads share a connection of their loop."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_server import CANCEL, REQUEST, WINDOW, FakeServer, Frame, Peer
from processes import in_child, sockets
from toy_store import ToyStore, answer_bytes, fields
from waiting import wait_until

import alula
from alula import aio
from alula._frames import Op
from alula._proto import common_pb2, features_pb2, registry_pb2
from alula._types import to_proto


class Reads(ToyStore):
    """Answers a read with the ids it was asked for, as scores; some answers come in items."""

    keys = fields("id:int64")
    vector = fields("score:float64")
    rows_of_item = 0

    def __init__(self) -> None:
        super().__init__()
        self.vector, self.request = fields("score:float64"), ()
        self.hold: threading.Event | None = None
        self.hang_up_after = 0

    def read(self, peer: Peer, frame: Frame) -> None:
        if frame.kind != REQUEST:
            return
        request = features_pb2.ReadRequest.FromString(frame.control)
        rows = int.from_bytes(frame.data[:4], "little")
        start = 16 if len(frame.data) <= (64 << 10) + 16 else 64
        ids = np.frombuffer(frame.data, "<i8", rows, start).tolist()
        if ids == [-1]:
            return
        if ids == [-2]:
            peer.fail(frame, 3, "no such id")
            return
        response = features_pb2.ReadResponse(plan=7, service="s@1", rows=rows)
        if request.known_plan != 7:
            response.schema.CopyFrom(to_proto(self.vector))
            response.parts.append(features_pb2.ViewPart(label="v", view="v", columns=1))
        if not self.rows_of_item:
            peer.respond(frame, response, self.answer(ids))
            return
        for first in range(0, rows, self.rows_of_item):
            peer.item(frame, response, self.answer(ids[first : first + self.rows_of_item]))
            response.ClearField("schema")
            response.ClearField("parts")
            if self.hang_up_after and first >= self.hang_up_after:
                self.hang_up_after = 0
                peer.hang_up()
        peer.respond(frame, response)

    def answer(self, ids: list[int]) -> bytes:
        rows = [[float(id)] for id in ids]
        return answer_bytes(self.vector, rows, [([5] * len(ids), [0] * len(ids))])


def run(server: FakeServer, work: Any, **options: Any) -> Any:
    async def main() -> Any:
        async with await aio.connect(server.address, **options) as store:
            return await asyncio.wait_for(work(store), 30)

    return asyncio.run(main())


PAIRS = [
    (alula.Store, aio.AsyncStore, {"close"}),
    (alula.Model, aio.AsyncModel, {"reads", "of"}),
    (alula.Run, aio.AsyncRun, set()),
    (alula.TrainingSetStream, aio.AsyncTrainingSetStream, {"reader"}),
]


@pytest.mark.parametrize("blocking, awaited, but", PAIRS)
def test_every_public_word_has_its_word_with_await(blocking: Any, awaited: Any, but: Any) -> None:
    for name, word in inspect.getmembers(blocking, inspect.isfunction):
        if name.startswith("_") or name in but:
            continue
        twin = getattr(awaited, name, None)
        assert twin is not None, f"{awaited.__name__} lacks {name}"
        assert list(inspect.signature(twin).parameters) == list(
            inspect.signature(word).parameters
        ), name
        assert inspect.iscoroutinefunction(twin) or "AsyncIterator" in inspect.getsource(twin), (
            f"{name} is not awaited"
        )
        assert inspect.getdoc(twin), name
    assert list(inspect.signature(aio.connect).parameters) == list(
        inspect.signature(alula.connect).parameters
    )


def test_a_thousand_reads_at_once_share_one_connection_of_the_loop() -> None:
    toy = Reads()
    with FakeServer(toy.handle) as server:

        async def work(store: aio.AsyncStore) -> Any:
            reads = [store.read("s", {"id": [n, n + 1]}) for n in range(1_000)]
            return [answer.to_numpy().tolist() for answer in await asyncio.gather(*reads)]

        assert run(server, work) == [[[n], [n + 1]] for n in range(1_000)]
        # One for the words in threads, one for the loop; and one look at what the inputs are.
        assert server.connections == 2
        assert len(server.requests(Op.DESCRIBE_CATALOG)) == 1


def test_a_read_that_is_cancelled_or_late_harms_no_other() -> None:
    toy = Reads()
    with FakeServer(toy.handle) as server:

        async def work(store: aio.AsyncStore) -> None:
            await store.read("s", {"id": [1]})
            slow = asyncio.create_task(store.read("s", {"id": [-1]}))
            await asyncio.sleep(0.02)
            with pytest.raises(alula.DeadlineExceeded):
                await store.read("s", {"id": [-1]}, timeout=0.03)
            slow.cancel()
            with pytest.raises(asyncio.CancelledError):
                await slow
            with pytest.raises(alula.InvalidArgument, match="no such id"):
                await store.read("s", {"id": [-2]})
            assert (await store.read("s", {"id": [4]})).column("score").tolist() == [4]

        run(server, work)
        wait_until(lambda: [f.kind for f in server.frames].count(CANCEL) == 2)
        assert server.connections == 2


def test_wrong_inputs_are_said_as_by_the_blocking_words() -> None:
    toy = Reads()
    with FakeServer(toy.handle) as server:

        async def work(store: aio.AsyncStore) -> None:
            with pytest.raises(alula.InvalidArgument, match="needs 1 more"):
                await store.read("s", {})
            with pytest.raises(alula.InvalidArgument, match='takes no "idd": did you mean "id"'):
                await store.read("s", {"id": [1], "idd": [1]})
            with pytest.raises(alula.InvalidArgument, match="keys"):
                await store.read("s")
            with pytest.raises(alula.NotFound):
                await store.read("t", {"id": [1]})

        run(server, work)


def test_a_read_is_sent_again_after_a_restart() -> None:
    toy = Reads()
    with FakeServer(toy.handle) as server:

        async def work(store: aio.AsyncStore) -> None:
            for turn in range(4):
                answers = await asyncio.gather(*[store.read("s", {"id": [n]}) for n in range(20)])
                assert [a.column("score")[0] for a in answers] == list(range(20)), turn
                for peer in server._peers:
                    try:
                        peer.shutdown(2)
                    except OSError:
                        continue

        run(server, work)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_read_of_many_rows_comes_in_answers_and_goes_on_after_a_loss(is_async: bool) -> None:
    toy = Reads()
    toy.rows_of_item, toy.hang_up_after = 9_000, 30_000
    ids = np.arange(150_000)
    with FakeServer(toy.handle) as server:
        if is_async:

            async def work(store: aio.AsyncStore) -> list[Any]:
                return [answer async for answer in store.read_batches("s", {"id": ids})]

            answers = run(server, work)
        else:
            answers = list(alula.connect(server.address).read_batches("s", {"id": ids}))
        values = np.concatenate([answer.column("score") for answer in answers])
        np.testing.assert_array_equal(values, ids)
        assert max(map(len, answers)) <= 9_000 and answers[0].service == "s@1"
        requests = [
            features_pb2.ReadRequest.FromString(f.control) for f in server.requests(Op.READ)
        ]
        # 65,536 rows at most are asked for at once; further requests are of the version that came.
        assert [r.service for r in requests] == ["s"] + ["s@1"] * (len(requests) - 1)
        assert len(requests) == 4 and [r.known_plan for r in requests] == [0, 7, 7, 7]


@pytest.mark.parametrize("is_async", [False, True])
def test_what_is_not_taken_is_not_sent(is_async: bool) -> None:
    """The reader stops after the first answer: no more than the credit of a call has been sent."""
    piece, credit, sent = 1 << 18, 4 << 20, 0
    toy = Reads()
    rows = piece // 8

    def handle(peer: Peer, frame: Frame) -> None:
        nonlocal sent
        if frame.operation != Op.READ:
            toy.handle(peer, frame)
            return
        if frame.kind != REQUEST:
            return
        response = features_pb2.ReadResponse(plan=7, service="s@1", rows=rows)
        response.schema.CopyFrom(to_proto(toy.vector))
        response.parts.append(features_pb2.ViewPart(label="v", view="v", columns=1))
        data = bytes(toy.answer([1] * rows))
        allowed = credit
        for _ in range(100):
            while allowed < len(data) + 200:
                window = peer.next_frame()
                if window.kind == CANCEL:
                    peer.fail(frame, 1, "cancelled")
                    return
                assert window.kind == WINDOW
                allowed += common_pb2.Window.FromString(window.control).bytes
            peer.item(frame, response, data)
            allowed -= len(data) + 200
            sent += len(data)

    with FakeServer(handle) as server:
        if is_async:

            async def work(store: aio.AsyncStore) -> int:
                stream = store.read_batches("s", {"id": np.zeros(10, np.int64)})
                async for answer in stream:
                    await asyncio.sleep(0.3)
                    await stream.aclose()  # type: ignore[attr-defined]
                    return len(answer)
                return 0

            assert run(server, work) == rows
        else:
            store = alula.connect(server.address)
            stream = store.read_batches("s", {"id": np.zeros(10, np.int64)})
            assert len(next(stream)) == rows
            time.sleep(0.3)
            stream.close()  # type: ignore[attr-defined]
        assert sent <= credit
        wait_until(lambda: CANCEL in [f.kind for f in server.frames])


def test_words_in_threads_and_a_run(tmp_path: Path) -> None:
    toy = Reads()
    with FakeServer(toy.handle) as server:

        async def work(store: aio.AsyncStore) -> Any:
            async with await store.run("e", code_revision="") as run:
                await run.log_metric("auc", 0.5)
                path = tmp_path / "m.bin"
                path.write_bytes(b"x" * 1_000)
                version = await run.register("credit", [path])
            with pytest.raises(alula.Refused):
                await store.promote("credit", version, "production")
            return int(version), [service.name for service in await store.services()]

        assert run(server, work) == (4, ["s"])
        assert [metric.value for metric in toy.metrics] == [0.5]


def test_nothing_is_left_behind() -> None:
    toy = Reads()
    with FakeServer(toy.handle) as server:
        before = sockets(), threading.active_count()

        async def work(store: aio.AsyncStore) -> None:
            await store.read("s", {"id": [1]})
            await asyncio.gather(*[store.services() for _ in range(20)])

        run(server, work)
        wait_until(lambda: (sockets(), threading.active_count()) <= before)


def test_a_loop_and_a_child_have_connections_of_their_own() -> None:
    toy = Reads()
    with FakeServer(toy.handle) as server:
        store = asyncio.run(aio.connect(server.address))

        def ask() -> list[float]:
            async def one() -> list[float]:
                values: list[float] = (
                    (await store.read("s", {"id": [os.getpid()]})).column("score").tolist()
                )
                return values

            return asyncio.run(one())

        assert ask() == ask() == [os.getpid()]
        wait_until(lambda: server.connections == 3)

        def child() -> None:
            assert ask() == [os.getpid()]

        assert in_child(child) == 0
        assert ask() == [os.getpid()]
        asyncio.run(store.close())


def test_a_model_is_read_by_its_version() -> None:
    class Models(Reads):
        def resolve_version(self, peer: Peer, frame: Frame) -> None:
            request = registry_pb2.ResolveVersionRequest.FromString(frame.control)
            assert request.stage == "production"
            peer.respond(frame, registry_pb2.ModelVersion(model="credit", version=3, service="s@1"))

    toy = Models()
    with FakeServer(toy.handle) as server:

        async def work(store: aio.AsyncStore) -> Any:
            model = await store.model("credit")
            answer = await model.read({"id": [5]})
            return int(model.version), answer.column("score").tolist(), await model.refresh()

        assert run(server, work) == (3, [5.0], False)

"""Watching the registry: every event once and in order, whatever happens to the connection."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_server import REQUEST, FakeServer, Frame, Peer
from processes import sockets
from server_process import Server, needs_server
from waiting import wait_until

import alula
from alula import aio, watching
from alula._frames import Op
from alula._proto import releases_pb2


class Hub:
    """Events 1, 2, 3, …; ``tell`` makes more, ``cut`` ends all connections."""

    def __init__(self) -> None:
        self.newest = 0
        self.changed = threading.Condition()
        self.asked: list[tuple[str, int, bool]] = []
        self.lag: set[int] = set()
        self.beats = True
        self.server = FakeServer(self.handle)

    def handle(self, peer: Peer, frame: Frame) -> None:
        if frame.operation == Op.WATCH and frame.kind == REQUEST:
            request = releases_pb2.WatchRequest.FromString(frame.control)
            self.asked.append((request.model, request.after, request.from_now))
            if request.after > self.newest:
                peer.fail(frame, 11, "there is no such revision yet")
                return
            at = self.newest if request.from_now else request.after
            threading.Thread(target=self.serve, args=(peer, frame, at), daemon=True).start()

    def serve(self, peer: Peer, frame: Frame, at: int) -> None:
        with contextlib.suppress(OSError):
            if self.beats:
                peer.item(frame, releases_pb2.RegistryEvents(revision=at))
            while True:
                with self.changed:
                    while at >= self.newest:
                        self.changed.wait(5)
                    newest = self.newest
                if newest in self.lag:
                    self.lag.discard(newest)
                    item = releases_pb2.RegistryEvents(revision=newest, missed=newest - at)
                else:
                    events = [
                        releases_pb2.RegistryEvent(
                            revision=n, kind="promoted", model="credit", version=n, stage="staging"
                        )
                        for n in range(at + 1, newest + 1)
                    ]
                    item = releases_pb2.RegistryEvents(events=events, revision=newest)
                at = newest
                peer.item(frame, item)

    def tell(self, count: int = 1) -> None:
        with self.changed:
            self.newest += count
            self.changed.notify_all()

    def cut(self) -> None:
        for peer in self.server._peers:
            with contextlib.suppress(OSError):
                peer.shutdown(2)


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    with made.server:
        yield made


def take(hub: Hub, after: int | None, count: int, is_async: bool, between: Any) -> list[int]:
    """Revisions of the first events; ``between`` is called after each."""
    if not is_async:
        with alula.connect(hub.server.address) as store:
            with store.watch("credit", after) as watch:
                between(0)
                found = []
                for event in watch:
                    found.append(event.revision)
                    if len(found) == count:
                        break
                    between(event.revision)
                assert watch.revision == found[-1]
            return found

    async def work() -> list[int]:
        async with await aio.connect(hub.server.address) as store:
            async with await store.watch("credit", after) as watch:
                between(0)
                found: list[int] = []
                async for event in watch:
                    found.append(event.revision)
                    if len(found) == count:
                        break
                    between(event.revision)
                assert watch.revision == found[-1]
                return found

    return asyncio.run(asyncio.wait_for(work(), 30))


@pytest.mark.parametrize("is_async", [False, True])
def test_from_now_on_and_from_a_revision_on(hub: Hub, is_async: bool) -> None:
    hub.newest = 5
    assert take(hub, None, 2, is_async, lambda at: hub.tell()) == [6, 7]
    assert take(hub, 0, 7, is_async, lambda at: None) == [1, 2, 3, 4, 5, 6, 7]
    assert take(hub, 6, 3, is_async, lambda at: hub.tell()) == [7, 8, 9]
    assert hub.asked == [("credit", 0, True), ("credit", 0, False), ("credit", 6, False)]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_lost_connection_leaves_no_gap_and_repeats_nothing(hub: Hub, is_async: bool) -> None:
    def between(at: int) -> None:
        if at % 3 == 0:
            hub.tell(2)
            hub.cut()
        hub.tell(1)

    assert take(hub, None, 40, is_async, between) == list(range(1, 41))
    assert len(hub.asked) > 2 and not any(asked[2] for asked in hub.asked[1:])


@pytest.mark.parametrize("is_async", [False, True])
def test_what_was_missed_is_had_by_another_watch(hub: Hub, is_async: bool) -> None:
    def between(at: int) -> None:
        if at == 0:
            hub.tell(2)
        if at == 2:
            hub.lag.add(7)
            hub.tell(5)

    assert take(hub, None, 7, is_async, between) == list(range(1, 8))
    assert hub.asked == [("credit", 0, True), ("credit", 2, False)]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_revision_that_is_not_there_yet_is_refused(hub: Hub, is_async: bool) -> None:
    with pytest.raises(alula.OutOfRange):
        take(hub, 100, 1, is_async, lambda at: None)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_silent_server_is_left(hub: Hub, is_async: bool, monkeypatch: Any) -> None:
    monkeypatch.setattr(watching, "SILENCE", 0.1)
    monkeypatch.setattr("alula.aio._watching.SILENCE", 0.1)
    hub.newest = 1

    def between(at: int) -> None:
        threading.Timer(0.4, hub.tell).start()

    assert take(hub, 0, 2, is_async, between) == [1, 2]
    assert len(hub.asked) > 2


def test_close_ends_a_watch_that_waits_and_leaves_nothing(hub: Hub) -> None:
    before = sockets(), threading.active_count()
    store = alula.connect(hub.server.address)
    watch = store.watch()
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.extend(e.revision for e in watch))
    thread.start()
    hub.tell(2)
    wait_until(lambda: found == [1, 2])
    watch.close()
    thread.join(10)
    assert not thread.is_alive() and list(watch) == []
    other = store.watch(after=1)
    thread = threading.Thread(target=lambda: pytest.raises(alula.InvalidArgument, list, other))
    thread.start()
    time.sleep(0.05)
    store.close()
    thread.join(10)
    assert not thread.is_alive()
    hub.tell()
    wait_until(lambda: sockets() <= before[0])


def test_an_event_says_what_it_is(hub: Hub) -> None:
    hub.newest = 3
    with alula.connect(hub.server.address) as store, store.watch(after=2) as watch:
        event = next(watch)
        assert (event.model, event.version, event.kind) == ("credit", 3, "promoted")


@needs_server
def test_a_model_server_follows_promotions_through_a_restart(
    own_server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"weights")
    found: list[tuple[str, int, str]] = []
    with own_server.connect() as store, own_server.connect() as other:
        store.apply(
            "project: p\nentities: [{name: e, keys: {id: int64}}]\n"
            "views: [{name: v, entity: e, features: {x: float64}}]\n"
            'services: [{name: s, features: ["v:*"]}]\n'
        )
        watch = other.watch("credit")
        thread = threading.Thread(
            target=lambda: found.extend((e.kind, e.version, e.stage or e.alias) for e in watch)
        )
        thread.start()
        for number in (1, 2):
            with store.run("e", code_revision="") as run:
                version = run.register("credit", [path], service="s")
            store.promote("credit", version, "staging")
            store.promote("credit", version, "production")
            if number == 1:
                wait_until(lambda: len(found) >= 3)
                model = other.model("credit")
                own_server.kill()
                own_server.start()
        wait_until(lambda: ("promoted", 2, "production") in found)
        watch.close()
        thread.join(10)
        promoted = [event for event in found if event[0] in ("registered", "promoted")]
        assert promoted == [
            ("registered", 1, ""), ("promoted", 1, "staging"), ("promoted", 1, "production"),
            ("registered", 2, ""), ("promoted", 2, "staging"), ("promoted", 2, "production"),
        ]  # fmt: skip
        assert int(model.version) == 1 and model.refresh() and int(model.version) == 2

        async def awaited() -> list[tuple[str, int, str]]:
            async with await aio.connect(f"alula://127.0.0.1:{own_server.port}") as third:
                async with await third.watch("credit", after=0) as events:
                    again = []
                    async for e in events:
                        again.append((e.kind, e.version, e.stage or e.alias))
                        if again[-1] == ("promoted", 2, "production"):
                            break
                    return again

        again = asyncio.run(awaited())
        assert again == found[: len(again)]

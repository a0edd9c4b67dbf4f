"""The client that lives in servers: threads, forks, bounds, deadlines, and nothing left behind."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fake_server import CANCEL, REQUEST, FakeServer, Frame, Peer
from processes import in_child, sockets
from waiting import wait_until

import alula
from alula._frames import Op
from alula._proto import common_pb2, registry_pb2, server_pb2
from alula._session import Session
from alula._transport import Transport

STATUS = server_pb2.StatusResponse(version="9", data_directory="/d")


def named(peer: Peer, frame: Frame) -> None:
    """Answers LIST_VERSIONS with the name asked for, and anything else with a status."""
    if frame.kind != REQUEST:
        return
    if frame.operation == Op.LIST_VERSIONS:
        name = registry_pb2.ListVersionsRequest.FromString(frame.control).model
        peer.respond(frame, registry_pb2.Versions(versions=[registry_pb2.ModelVersion(model=name)]))
    else:
        peer.respond(frame, STATUS)


def ask(store: alula.Store, label: str, turns: int) -> list[str]:
    """Names that came back wrong."""
    asked = [f"{label}-{turn}" for turn in range(turns)]
    return [name for name in asked if store.versions(name)[0].model != name]


@pytest.mark.parametrize("limit, threads", [(1, 8), (3, 16), (32, 16)])
def test_many_threads_on_few_connections_get_their_own_answers(limit: int, threads: int) -> None:
    with FakeServer(named) as server:
        with alula.connect(server.address, connections=limit) as store:
            with ThreadPoolExecutor(threads) as executor:
                wrong = list(executor.map(lambda n: ask(store, f"t{n}", 60), range(threads)))
            assert wrong == [[]] * threads
            assert store._transport.open_connections <= min(limit, threads)
            assert server.connections <= min(limit, threads)


def test_one_caller_has_one_connection() -> None:
    with FakeServer(named) as server:
        with alula.connect(server.address) as store:
            assert not ask(store, "a", 50)
            assert server.connections == 1


class Counted:
    """A socket that counts what is asked of it."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.calls = inner, []

    def __getattr__(self, name: str) -> Any:
        self.calls.append(name)
        return getattr(self.inner, name)


def test_a_call_is_one_send_and_one_receive() -> None:
    with FakeServer(named) as server:
        store = alula.connect(server.address)
        assert not ask(store, "first", 2)
        line = store._transport._pool.take(1)
        counted = Counted(line._socket)
        line._socket = counted  # type: ignore[assignment]
        store._transport._pool.give(line)
        assert not ask(store, "more", 10)
        # An answer may come in two pieces; nothing else is asked of the kernel.
        assert counted.calls.count("send") == 10
        assert set(counted.calls) <= {"send", "recv", "recv_into", "setsockopt"}
        assert counted.calls.count("recv") == 10 and len(counted.calls) < 30


def test_a_call_that_finds_every_connection_taken_waits_or_is_late() -> None:
    release = threading.Event()

    def handle(peer: Peer, frame: Frame) -> None:
        if frame.operation == Op.LIST_MODELS and frame.kind == REQUEST:
            release.wait(20)
            peer.respond(frame)
        else:
            named(peer, frame)

    with FakeServer(handle) as server:
        store = alula.connect(server.address, connections=2)
        with ThreadPoolExecutor(3) as executor:
            slow = [executor.submit(store.models) for _ in range(2)]
            while len(server.frames) < 2:
                time.sleep(0.001)
            session = Session(store._transport, "")
            with pytest.raises(alula.DeadlineExceeded, match="all 2 connections are taken"):
                session.call(
                    Op.STATUS, common_pb2.HeadOnly(), server_pb2.StatusResponse, timeout=0.05
                )
            waiting = executor.submit(store.status)
            time.sleep(0.02)
            assert not waiting.done()
            release.set()
            assert waiting.result(10).version == "9"
            assert [future.result(10) for future in slow] == [[], []]
        assert store._transport.open_connections == 2


def test_a_limit_of_no_connections_is_refused() -> None:
    with FakeServer(named) as server:
        with pytest.raises(alula.InvalidArgument, match="1 or more"):
            alula.connect(server.address, connections=0)


@pytest.mark.parametrize("timeout", [0.02, 0.2])
def test_a_call_ends_at_its_deadline(timeout: float) -> None:
    with FakeServer(lambda peer, frame: None) as server:
        session = Session(Transport(server.address, 30), "")
        begun = time.monotonic()
        with pytest.raises(alula.DeadlineExceeded):
            session.call(
                Op.STATUS, common_pb2.HeadOnly(), server_pb2.StatusResponse, timeout=timeout
            )
        assert timeout <= time.monotonic() - begun < timeout + 0.3


def test_a_trickling_answer_ends_at_the_deadline_too() -> None:
    def handle(peer: Peer, frame: Frame) -> None:
        for _ in range(100):
            peer.send(b"\x40")
            time.sleep(0.02)

    with FakeServer(handle) as server:
        session = Session(Transport(server.address, 30), "")
        begun = time.monotonic()
        with pytest.raises(alula.DeadlineExceeded):
            session.call(Op.STATUS, common_pb2.HeadOnly(), server_pb2.StatusResponse, timeout=0.1)
        assert time.monotonic() - begun < 0.5


def test_a_deadline_holds_for_all_attempts_together() -> None:
    with FakeServer(lambda peer, frame: peer.hang_up()) as server:
        session = Session(Transport(server.address, 30), "")
        begun = time.monotonic()
        with pytest.raises(alula.Unavailable):
            session.call(Op.STATUS, common_pb2.HeadOnly(), server_pb2.StatusResponse, timeout=0.3)
        assert time.monotonic() - begun < 0.6


def test_a_connection_that_stays_silent_is_not_used_for_ever() -> None:
    with FakeServer(lambda peer, frame: None) as server:
        session = Session(Transport(server.address, 30), "")
        for _ in range(4):
            with pytest.raises(alula.DeadlineExceeded):
                session.call(
                    Op.STATUS, common_pb2.HeadOnly(), server_pb2.StatusResponse, timeout=0.03
                )
        assert server.connections == 2
        assert [f.kind for f in server.frames].count(CANCEL) == 2


def test_close_ends_calls_in_flight_and_leaves_nothing_behind() -> None:
    with FakeServer(lambda peer, frame: None) as server:
        before = sockets(), threading.active_count()
        store = alula.connect(server.address)
        errors: list[alula.AlulaError] = []

        def call() -> None:
            try:
                store.status()
            except alula.AlulaError as error:
                errors.append(error)

        threads = [threading.Thread(target=call) for _ in range(5)]
        for thread in threads:
            thread.start()
        while len(server.frames) < 5:
            time.sleep(0.001)
        store.close()
        for thread in threads:
            thread.join(10)
        assert len(errors) == 5
        assert all(isinstance(error, alula.InvalidArgument) for error in errors)
        assert "closed" in str(errors[0])
        # The server is in this process: its ends of the connections close with ours.
        wait_until(lambda: (sockets(), threading.active_count()) <= before)


def test_a_store_that_is_dropped_closes_its_sockets_without_a_warning() -> None:
    with FakeServer(named) as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        before = sockets(), threading.active_count()
        for _ in range(5):
            store = alula.connect(server.address)
            store.status()
            store._transport.connection()
            del store
        gc.collect()
        wait_until(lambda: (sockets(), threading.active_count()) <= before)


def test_a_restart_ends_every_idle_connection_and_the_next_call_has_another() -> None:
    with FakeServer(named) as server:
        store = alula.connect(server.address)
        with ThreadPoolExecutor(4) as executor:
            barrier = threading.Barrier(4)
            assert list(executor.map(lambda n: (barrier.wait(5), ask(store, "x", 20))[1], range(4)))
            for peer in server._peers:
                peer.shutdown(2)
            time.sleep(0.02)
            begun = time.monotonic()
            assert store.status().version == "9"
            assert time.monotonic() - begun < 0.05  # at once, without a pause
            assert store._transport.open_connections == 1


def test_a_server_that_is_away_for_a_moment_is_waited_for() -> None:
    with FakeServer(named) as first:
        port = int(first.address.rpartition(":")[2])
        store = alula.connect(first.address)
        assert not ask(store, "before", 3)
    for peer in first._peers:
        with contextlib.suppress(OSError):
            peer.shutdown(2)
    found: list[list[str]] = []
    threads = [
        threading.Thread(target=lambda: found.append(ask(store, "again", 5))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    assert not found
    with FakeServer(named, port=port):
        for thread in threads:
            thread.join(20)
        assert found == [[]] * 4


def test_metrics_are_sent_by_a_thread_that_ends() -> None:
    points: list[float] = []

    def handle(peer: Peer, frame: Frame) -> None:
        if frame.operation == Op.LOG_RUN:
            sent = registry_pb2.LogRunRequest.FromString(frame.control).metrics
            points.extend(metric.value for metric in sent)
        peer.respond(frame, registry_pb2.Run(id="r"))

    with FakeServer(handle) as server:
        store = alula.connect(server.address)
        run = store.run("e", code_revision="", heartbeat=0)
        for value in range(2_000):
            run.log_metric("m", value)
        run.flush()
        wait_until(lambda: run._sender.thread is None)
        run.log_metric("m", 2_000)
        run.end()
        assert run._sender.thread is None and points == list(range(2_001))


# Forks


def test_parent_and_children_read_at_the_same_time() -> None:
    with FakeServer(named) as server:
        store = alula.connect(server.address)
        assert not ask(store, "before", 5)
        context = multiprocessing.get_context("fork")
        results = context.Queue()

        def child(label: str) -> None:
            results.put((label, ask(store, label, 200), store._transport.open_connections))

        children = [context.Process(target=child, args=(f"c{n}",)) for n in range(3)]
        for process in children:
            process.start()
        assert not ask(store, "parent", 400)
        found = [results.get(timeout=20) for _ in children]
        for process in children:
            process.join(20)
            assert process.exitcode == 0
        assert sorted(found) == [(f"c{n}", [], 1) for n in range(3)]
        assert not ask(store, "after", 5)
        assert server.connections == 4


def test_a_child_closes_only_its_own_ends() -> None:
    with FakeServer(named) as server:
        store = alula.connect(server.address)
        store.status()
        stream = store._transport.connection()

        def child() -> None:
            assert stream.failure is not None
            assert store.status().version == "9"
            store.close()

        assert in_child(child) == 0
        assert stream.failure is None and not ask(store, "on", 20)
        assert server.connections == 3


def test_a_fork_under_calls_of_other_threads_leaves_no_lock_taken() -> None:
    with FakeServer(named) as server:
        store = alula.connect(server.address, connections=2)
        stop = threading.Event()
        wrong: list[str] = []

        def work(label: str) -> None:
            while not stop.is_set():
                wrong.extend(ask(store, label, 10))

        threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(6)]
        for thread in threads:
            thread.start()

        def child() -> None:
            assert not ask(store, "child", 20)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            codes = [in_child(child) for _ in range(15)]
        stop.set()
        for thread in threads:
            thread.join(20)
        assert codes == [0] * 15 and not wrong


def test_a_fork_of_a_fork_connects_anew() -> None:
    with FakeServer(named) as server:
        store = alula.connect(server.address)

        def child() -> None:
            assert not ask(store, "child", 3)
            assert in_child(lambda: ask(store, "grandchild", 3)) == 0
            assert not ask(store, "child", 3)

        assert in_child(child) == 0 and not ask(store, "parent", 3)
        assert server.connections == 3


class Rows:
    """What a DataLoader takes: items by number, read in its workers."""

    def __init__(self, store: alula.Store) -> None:
        self.store = store

    def __getitem__(self, number: int) -> tuple[int, str]:
        return os.getpid(), str(self.store.versions(f"row-{number}")[0].model)


def test_workers_that_load_data_each_have_a_connection() -> None:
    with FakeServer(named) as server:
        rows = Rows(alula.connect(server.address))
        assert rows[0][1] == "row-0"

        def work(asked: Any, found: Any) -> None:
            while (number := asked.get()) is not None:
                found.put((number, *rows[number]))

        context = multiprocessing.get_context("fork")
        asked, found = context.Queue(), context.Queue()
        workers = [context.Process(target=work, args=(asked, found)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for number in [*range(100), None, None]:
            asked.put(number)
        items = [found.get(timeout=20) for _ in range(100)]
        for worker in workers:
            worker.join(20)
        assert {number: name for number, _, name in items} == {n: f"row-{n}" for n in range(100)}
        assert server.connections == 1 + len({pid for _, pid, _ in items})


def test_a_child_sends_its_own_metrics_only() -> None:
    points: list[str] = []

    def handle(peer: Peer, frame: Frame) -> None:
        if frame.operation == Op.LOG_RUN:
            sent = registry_pb2.LogRunRequest.FromString(frame.control).metrics
            points.extend(metric.name for metric in sent)
        peer.respond(frame, registry_pb2.Run(id="r"))

    with FakeServer(handle) as server:
        run = alula.connect(server.address).run("e", code_revision="")
        run.log_metric("parent", 1)

        def child() -> None:
            run.log_metric("child", 1)
            run.flush()

        assert in_child(child) == 0
        run.end()
        assert sorted(points) == ["child", "parent"]

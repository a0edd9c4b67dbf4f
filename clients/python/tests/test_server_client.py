"""A real server under clients that live in servers: threads, forks, restarts, reads of any size."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from server_process import Server, needs_server

import alula
from alula import aio

pytestmark = needs_server

DEFINITIONS = """
project: p
entities:
  - {name: user, keys: {id: int64}}
views:
  - name: a
    entity: user
    ttl: 3650d
    features: {x: float64, n: int64, s: string}
  - name: b
    entity: user
    features: {e: "float32[4]", flag: bool}
services:
  - {name: s, features: [a:*, b:*], request: {amount: float64}}
"""
SECOND = 1_000_000


def rows_of_a(ids: Any, at: int) -> dict[str, Any]:
    """Values that say whose they are and of when."""
    ids = np.asarray(ids)
    times = np.full(len(ids), at * SECOND).astype("datetime64[us]")
    names = [f"{id}-{at}" for id in ids]
    return {
        "id": ids,
        "x": ids + at / 1e6,
        "n": np.full(len(ids), at),
        "s": names,
        "event_time": times,
    }


def now() -> int:
    return int(time.time())


@pytest.fixture(scope="module")
def filled(server: Server) -> Iterator[tuple[Server, alula.Store]]:
    with server.connect() as store:
        store.apply(DEFINITIONS)
        at = now() - 100
        store.load("a", rows_of_a(np.arange(120_000), at), progress=False)
        flags = {"id": [1, 2], "e": [[1, 2, 3, 4]] * 2, "flag": [True, None]}
        store.push("b", {**flags, "event_time": [np.datetime64(at, "s")] * 2}).raise_for_problems()
        yield server, store


def check(answer: alula.Answer, ids: Any) -> None:
    """Each row is of the entity asked for, and of one push."""
    values = answer.arrays()
    assert [int(text.partition("-")[0]) for text in values["s"]] == list(ids)
    times = [int(text.partition("-")[2]) for text in values["s"]]
    assert values["n"].tolist() == times
    np.testing.assert_allclose(values["x"], np.asarray(ids) + np.array(times) / 1e6)


def test_every_form_of_an_answer_says_the_same(filled: Any) -> None:
    _, store = filled
    answer = store.read("s", {"id": [1, 2, 5, -7]}, {"amount": [1.5, 2, 3, None]})
    frame, table = answer.to_pandas(), answer.to_arrow()
    for name, array in answer.arrays().items():
        column = table[name].to_pylist()
        for row, value in enumerate(column):
            one = array[row]
            if value is None:
                assert one is None or np.all(np.isnan(one)), (name, row)
            else:
                assert np.all(one == value), (name, row)
        assert len(frame[name]) == 4
    assert answer.statuses("x").tolist() == ["present"] * 3 + ["notFound"]
    assert answer.statuses("flag").tolist() == ["present", "null", "notFound", "notFound"]
    assert answer.status_counts("amount") == {"present": 3, "null": 1, "notFound": 0, "expired": 0}
    assert (answer.ages("n")[:3] >= np.timedelta64(99, "s")).all()


def test_a_hundred_thousand_entities_in_one_call(filled: Any) -> None:
    server, store = filled
    ids = np.random.default_rng(1).permutation(120_000)[:100_000]
    seen = 0
    for answer in store.read_batches("s", {"id": ids}, {"amount": 1.0}):
        check(answer, ids[seen : seen + len(answer)])
        seen += len(answer)
    assert seen == len(ids)
    whole = store.read("s", {"id": ids}, {"amount": 1.0})
    assert len(whole) == len(ids)
    check(whole, ids)

    async def awaited() -> int:
        async with await aio.connect(store._transport.endpoint.__str__()) as other:
            count = 0
            async for answer in other.read_batches("s", {"id": ids}, {"amount": 1.0}):
                check(answer, ids[count : count + len(answer)])
                count += len(answer)
            return count

    assert asyncio.run(awaited()) == len(ids)


def test_small_reads_go_on_beside_a_large_one(filled: Any) -> None:
    _, store = filled
    ids = np.arange(100_000)
    stop = threading.Event()
    count = 0

    def small() -> None:
        nonlocal count
        while not stop.is_set():
            check(store.read("s", {"id": [count % 100]}, {"amount": 1.0}), [count % 100])
            count += 1

    thread = threading.Thread(target=small)
    thread.start()
    rows = sum(len(answer) for answer in store.read_batches("s", {"id": ids}, {"amount": 1.0}))
    stop.set()
    thread.join(30)
    assert rows == 100_000 and count > 3


def test_reads_of_many_threads_and_tasks(filled: Any) -> None:
    server, store = filled

    def work(seed: int) -> None:
        random = np.random.default_rng(seed)
        for _ in range(30):
            ids = random.integers(0, 120_000, int(random.integers(1, 40)))
            check(store.read("s", {"id": ids}, {"amount": 0.5}), ids)

    with ThreadPoolExecutor(8) as executor:
        list(executor.map(work, range(8)))
    assert store._transport.open_connections <= 10

    async def task(other: aio.AsyncStore, seed: int) -> None:
        ids = np.random.default_rng(seed).integers(0, 120_000, 20)
        check(await other.read("s", {"id": ids}, {"amount": 0.5}), ids)

    async def tasks() -> None:
        async with await aio.connect(f"alula://127.0.0.1:{server.port}") as other:
            await asyncio.gather(*[task(other, seed) for seed in range(100)])

    asyncio.run(tasks())


def test_parent_and_children_read_the_same_server(filled: Any) -> None:
    _, store = filled
    check(store.read("s", {"id": [3]}, {"amount": 1}), [3])
    context = multiprocessing.get_context("fork")
    failures = context.Queue()

    def child(seed: int) -> None:
        try:
            for turn in range(40):
                ids = np.arange(seed * 100, seed * 100 + turn + 1)
                check(store.read("s", {"id": ids}, {"amount": 1}), ids)
            failures.put(None)
        except BaseException as error:
            failures.put(repr(error))

    children = [context.Process(target=child, args=(seed,)) for seed in range(3)]
    for process in children:
        process.start()
    for turn in range(100):
        check(store.read("s", {"id": [turn]}, {"amount": 1}), [turn])
    assert [failures.get(timeout=60) for _ in children] == [None] * 3
    for process in children:
        process.join(20)
    check(store.read("s", {"id": [3]}, {"amount": 1}), [3])


def test_reads_and_pushes_go_on_through_restarts(own_server: Server) -> None:
    store = own_server.connect()
    store.apply(DEFINITIONS)
    begun = now() - 10_000
    store.push("a", rows_of_a(np.arange(50), begun)).raise_for_problems()
    stop = threading.Event()
    newest = [begun] * 4
    errors: list[str] = []
    reads = pushes = 0

    def push(me: int) -> None:
        """Each pusher has keys of its own; what is acknowledged is there from then on."""
        nonlocal pushes
        ids = np.arange(1_000 * (me + 1), 1_000 * (me + 1) + 20)
        at = begun
        while not stop.is_set():
            at += 1
            try:
                pushed = store.push("a", rows_of_a(ids, at))
                if pushed.statuses.tolist() != ["accepted"] * 20:
                    errors.append(f"push: {pushed.statuses.tolist()}")
                newest[me] = at
                pushes += 1
                found = store.read("s", {"id": ids}, {"amount": 1}).column("n")
                if found.tolist() != [at] * 20:
                    errors.append(f"read {found.tolist()} after {at} was acknowledged")
            except alula.AlulaError as error:
                errors.append(repr(error))

    def read() -> None:
        nonlocal reads
        while not stop.is_set():
            try:
                check(store.read("s", {"id": np.arange(50)}, {"amount": 1}), np.arange(50))
                reads += 1
            except alula.AlulaError as error:
                errors.append(repr(error))

    threads = [threading.Thread(target=push, args=(me,)) for me in range(2)]
    threads += [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for turn in range(3):
        time.sleep(0.7)
        if turn % 2:
            assert own_server.stop() == 0
        else:
            own_server.kill()
        own_server.start()
    time.sleep(0.7)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert not errors and reads > 20 and pushes > 20
    for me in range(2):
        ids = np.arange(1_000 * (me + 1), 1_000 * (me + 1) + 20)
        assert store.read("s", {"id": ids}, {"amount": 1}).column("n").tolist() == [newest[me]] * 20
    # A push that was sent twice is in history once.
    for me in range(2):
        times = store.history("a", {"id": 1_000 * (me + 1)})["@event_time"]
        assert len(times) == newest[me] - begun and times.is_unique
    store.close()


def test_a_read_of_many_rows_goes_on_after_a_restart(own_server: Server) -> None:
    with own_server.connect() as store:
        store.apply(DEFINITIONS)
        store.load("a", rows_of_a(np.arange(100_000), now() - 9), progress=False)
        ids = np.arange(100_000)
        seen = restarts = 0
        for answer in store.read_batches("s", {"id": ids}, {"amount": 1.0}):
            check(answer, ids[seen : seen + len(answer)])
            seen += len(answer)
            if restarts < 2 and seen > 20_000 * (restarts + 1):
                restarts += 1
                own_server.kill()
                own_server.start()
        assert seen == 100_000 and restarts == 2

"""The newest row wins in any order, across connections and restarts; and what was acknowledged is there
after every kill, with the row cache and without."""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from server_process import Server, needs_server

import alula

pytestmark = needs_server

SEED = int(os.environ.get("ALULA_TRUTH_SEED", "4712"))
SECONDS = float(os.environ.get("ALULA_TRUTH_SECONDS", "14"))
START = 1_700_000_000_000_000

DEFINITIONS = """
project: truth
entities:
  - {name: e, keys: {k: string, n: int64}}
views:
  - {name: v, entity: e, features: {id: int64, twice: int64, text: string}}
services:
  - {name: s, features: ["v:*"]}
"""

Order = tuple[int, int]
CACHES = [["--cache-size", "64MiB"], ["--cache-size", "0"]]


def stamp(microseconds: int) -> np.datetime64:
    return np.datetime64(START + microseconds, "us")


class Naive:
    """A dict that keeps what is newer, as one would write it over Redis."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[Order, int]] = {}

    def put(self, key: str, order: Order, id: int) -> str:
        before = self.held.get(key)
        if before is not None and order < before[0]:
            return "older"
        self.held[key] = (order, id)
        return "accepted"


def push(store: alula.Store, rows: list[tuple[str, Order, int]]) -> list[str]:
    pushed = store.push(
        "v",
        {
            "k": [key for key, _, _ in rows],
            "n": [len(key) for key, _, _ in rows],
            "event_time": [stamp(order[0]) for _, order, _ in rows],
            "created_time": [stamp(order[1]) for _, order, _ in rows],
            "id": [id for _, _, id in rows],
            "twice": [2 * id for _, _, id in rows],
            "text": [f"{id}" * (id % 9) for _, _, id in rows],
        },
    )
    assert pushed.accepted == len(rows)
    return [str(status) for status in pushed.statuses]


def read(store: alula.Store, keys: list[str]) -> list[int | None]:
    """The ids online; raises where an answer mixes rows."""
    table = store.read("s", {"k": keys, "n": [len(key) for key in keys]}).to_arrow().to_pylist()
    for row in table:
        if row["id"] is not None:
            assert row["twice"] == 2 * row["id"] and row["text"] == f"{row['id']}" * (row["id"] % 9)
    return [row["id"] for row in table]


def test_the_newest_row_wins_in_every_order_of_a_few(own_server: Server) -> None:
    """All orders of four rows with ties, in one push and in several, against a dict."""
    with own_server.connect() as first, own_server.connect() as second:
        first.apply(DEFINITIONS)
        orders: list[Order] = [(0, 0), (0, 1), (1, 0), (1, 0)]
        naive, number = Naive(), 0
        expected: dict[str, int] = {}
        for permutation in itertools.permutations(range(4)):
            for cuts in ([4], [1, 3], [2, 2], [1, 1, 1, 1]):
                key = f"key{number}"
                number += 1
                ids = itertools.count(10 * number)
                rows = [(key, orders[place], next(ids)) for place in permutation]
                stores = itertools.cycle([first, second])
                for cut in cuts:
                    part, rows = rows[:cut], rows[cut:]
                    wanted = [naive.put(*row) for row in part]
                    assert push(next(stores), part) == wanted, (permutation, cuts)
                expected[key] = naive.held[key][1]
        assert read(second, list(expected)) == list(expected.values())


def test_the_newest_row_wins_across_connections_and_restarts(own_server: Server) -> None:
    own = random.Random(SEED)
    with own_server.connect() as store:
        store.apply(DEFINITIONS)
    keys = [f"k{number}" for number in range(40)] + ["", "k" * 300]
    naive, ids = Naive(), itertools.count(1)
    until, rounds, stops = time.monotonic() + SECONDS / 2, 0, 0
    while rounds < 300 and time.monotonic() < until:
        with own_server.connect("truth") as first, own_server.connect("truth") as second:
            for _ in range(own.choice([5, 20])):
                rows = [
                    (own.choice(keys), (own.randrange(50), own.randrange(4)), next(ids))
                    for _ in range(own.choice([1, 2, 30]))
                ]
                wanted = [naive.put(*row) for row in rows]
                assert push(own.choice([first, second]), rows) == wanted, f"seed {SEED}"
                asked = own.sample(keys, 10)
                held = [naive.held.get(key, (None, None))[1] for key in asked]
                assert read(own.choice([first, second]), asked) == held, f"seed {SEED}"
        rounds += 1
        if own.random() < 0.15:
            stops += 1
            own_server.options = own.choice(CACHES)
            if own.random() < 0.5:
                own_server.kill()
            else:
                assert own_server.stop() == 0
            own_server.start()
    assert rounds >= 3 and stops >= 1


class Ledger:
    """What was sent and what was acknowledged, by key."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sent: dict[str, dict[int, Order]] = defaultdict(dict)
        self.acked: dict[str, set[int]] = defaultdict(set)
        self.ids = itertools.count(1)

    def rows(self, own: random.Random, keys: list[str]) -> list[tuple[str, Order, int]]:
        with self.lock:
            made = []
            for _ in range(own.choice([1, 10, 100])):
                id = next(self.ids)
                # Unlike in every other order, so that the newest row is one row.
                made.append((own.choice(keys), (own.randrange(10_000), id), id))
            for key, order, id in made:
                self.sent[key][id] = order
            return made

    def acknowledge(self, rows: list[tuple[str, Order, int]]) -> None:
        with self.lock:
            for key, _, id in rows:
                self.acked[key].add(id)

    def check(self, store: alula.Store, keys: list[str]) -> None:
        online = read(store, keys)
        history: dict[str, list[int]] = defaultdict(list)
        for batch in store.export("v"):
            for key, id in zip(batch["k"].to_pylist(), batch["id"].to_pylist()):
                history[key].append(id)
        for key, id in zip(keys, online):
            sent, acked = self.sent[key], self.acked[key]
            found = history[key]
            assert len(found) == len(set(found)), f"{key}: rows that are there twice"
            assert acked <= set(found) <= set(sent), f"{key}: rows lost, or written by nobody"
            newest = max(found, key=lambda one: sent[one]) if found else None
            assert id == newest, f"{key}: online {id}, the newest of history {newest}"


@pytest.mark.parametrize("cache", CACHES)
def test_what_was_acknowledged_is_there_after_every_kill(
    own_server: Server, cache: list[str], capsys: Any
) -> None:
    own = random.Random(SEED + len(cache[1]))
    assert own_server.stop() == 0
    own_server.options = cache
    own_server.start()
    with own_server.connect() as store:
        store.apply(DEFINITIONS)
    keys = [f"key{number}" for number in range(30)]
    ledger, failures = Ledger(), []
    stop = threading.Event()

    def write(seed: int) -> None:
        mine = random.Random(seed)
        try:
            with own_server.connect("truth") as store:
                while not stop.is_set():
                    rows = ledger.rows(mine, keys)
                    try:
                        push(store, rows)
                    except (alula.Unavailable, alula.DeadlineExceeded):
                        return  # it was done, or it was not
                    ledger.acknowledge(rows)
        except alula.Unavailable:
            return
        except BaseException as error:
            failures.append(error)

    kills, until = 0, time.monotonic() + SECONDS / 2
    while kills < 2 or time.monotonic() < until:
        stop.clear()
        threads = [
            threading.Thread(target=write, args=(own.randrange(2**32),), daemon=True)
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        time.sleep(own.uniform(0.05, 0.8))
        own_server.kill()
        stop.set()
        own_server.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        assert not failures, failures
        kills += 1
        with own_server.connect("truth") as store:
            try:
                ledger.check(store, keys)
            except AssertionError as error:
                raise AssertionError(f"seed {SEED}, kill {kills}: {error}") from error
    acked = sum(len(ids) for ids in ledger.acked.values())
    with capsys.disabled():
        print(f"\n{kills} kills, {cache[1]}: {acked} rows acknowledged")
    assert acked > 0

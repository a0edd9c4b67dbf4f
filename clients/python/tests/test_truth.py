"""Reads against a model of the truth, while threads push, load, materialise, retract and forget, and rows
expire: every answer is one that the model allows at that time."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from server_process import Server, needs_server
from truth_model import Removal, Restoring, Row, Seen, Truth

import alula

pytestmark = needs_server

SEED = int(os.environ.get("ALULA_TRUTH_SEED", "4711"))
SECONDS = float(os.environ.get("ALULA_TRUTH_SECONDS", "18"))
KEYS = 24
OTHERS = range(1_000, 7_000)
"""Keys whose rows never change: read beside the others, they fill a small cache."""
MAX_AGE = 3_000_000

DEFINITIONS = """
project: truth
entities:
  - {name: e, keys: {k: int64}}
views:
  - {name: fresh, entity: e, max_age: 3s, features: {id: int64, key: int64, half: float64, text: string}}
  - {name: kept, entity: e, features: {id2: int64, key2: int64, half2: float64, text2: string}}
services:
  - {name: both, features: ["fresh:*", "kept:*"]}
  - {name: one, features: ["kept:*"]}
"""
NAMES = {"fresh": ["id", "key", "half", "text"], "kept": ["id2", "key2", "half2", "text2"]}


def text_of(id: int) -> str:
    return f"{id}:" + "x" * (id % 40)


class World:
    """Threads that write and threads that read, until told to stop."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.truth = Truth({"fresh": MAX_AGE, "kept": None})
        self.stop = threading.Event()
        self.failures: list[BaseException] = []
        self.retracting = threading.Lock()
        self.retracted: set[int] = set()
        self.counts: dict[str, int] = {}

    def run(self, seconds: float) -> None:
        acts: list[tuple[str, Callable[[alula.Store, random.Random], None]]] = [
            ("push", self.push), ("push", self.push), ("push", self.push), ("load", self.load),
            ("retract", self.retract_some), ("forget", self.forget), ("read", self.read), ("read", self.read), ("read", self.read),
            ("others", self.read_others),
        ]  # fmt: skip

        def work(number: int) -> None:
            name, act = acts[number]
            own = random.Random(SEED * 100 + number)
            try:
                with self.server.connect("truth") as store:
                    while not self.stop.is_set():
                        act(store, own)
                        self.counts[name] = self.counts.get(name, 0) + 1
            except BaseException as error:
                self.failures.append(error)
                self.stop.set()

        threads = [
            threading.Thread(target=work, args=(number,), daemon=True)
            for number in range(len(acts))
        ]
        for thread in threads:
            thread.start()
        self.stop.wait(seconds)
        self.stop.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "a thread hangs"
        if self.failures:
            raise self.failures[0]

    def rows(self, view: str, own: random.Random, count: int) -> list[Row]:
        """New rows, most of them of now, some late, some corrections of an event there is."""
        made = []
        for _ in range(count):
            now = time.time()
            id = self.truth.new_id()
            late = own.choice([0, 0, 0, 0.01, 0.3, 2.5, 4.0])
            event = int((now - late) * 1e6) - own.randrange(1_000)
            made.append(Row(view, own.randrange(KEYS), id, event, event + id, now))
        known = list(self.truth.rows.values())[-50:]
        for row in made:
            if known and own.random() < 0.1:
                other = own.choice(known)
                row.key, row.event = other.key, other.event
                row.created = other.created + own.choice([-1, 1]) * row.id
        return made

    @staticmethod
    def table(rows: list[Row]) -> dict[str, object]:
        first = NAMES[rows[0].view]
        return {
            "k": [row.key for row in rows],
            "event_time": np.array([row.event for row in rows], "datetime64[us]"),
            "created_time": np.array([row.created for row in rows], "datetime64[us]"),
            first[0]: [row.id for row in rows],
            first[1]: [row.key for row in rows],
            first[2]: [row.id / 2 for row in rows],
            first[3]: [text_of(row.id) for row in rows],
        }

    def begin(self, rows: list[Row]) -> None:
        with self.truth.lock:
            begun = time.time()
            for row in rows:
                row.begun = begun
                self.truth.rows[row.id] = row

    def push(self, store: alula.Store, own: random.Random) -> None:
        view = own.choice(["fresh", "kept"])
        rows = self.rows(view, own, own.choice([1, 3, 12]))
        table = self.table(rows)
        self.begin(rows)
        start = time.time()
        pushed = store.push(view, table)
        end = time.time()
        assert pushed.accepted == len(rows)
        places = {(row.key, row.order) for row in rows}
        for row, status in zip(rows, pushed.statuses.tolist()):
            row.acked, row.entry, row.is_pushed = end, pushed.log_entry, True
            # Rows of one key in one push are compared with each other as well.
            if sum(key == row.key for key, _ in places) == 1:
                self.truth.statuses.append((row.id, status, start, end))
        time.sleep(own.choice([0, 0.005, 0.02]))

    def load(self, store: alula.Store, own: random.Random) -> None:
        view = own.choice(["fresh", "kept"])
        rows = self.rows(view, own, 30)
        self.begin(rows)
        loaded = store.load(view, self.table(rows), materialize=False, progress=False)
        assert loaded.rows == 30
        store.materialize([view], progress=False)
        end = time.time()
        for row in rows:
            row.acked, row.entry = end, loaded.log_entry
        if own.random() < 0.3:
            self.retract(store, rows, import_id=loaded.import_id)
        self.stop.wait(0.2)

    def retract_some(self, store: alula.Store, own: random.Random) -> None:
        self.stop.wait(own.choice([0.05, 0.4]))
        known = [row for row in list(self.truth.rows.values())[-200:] if row.is_pushed]
        if known:
            entry = own.choice(known).entry
            if entry in self.retracted:
                return
            self.retracted.add(entry)
            rows = [row for row in list(self.truth.rows.values()) if row.entry == entry]
            self.retract(store, rows, entries=(entry, entry))

    def retract(self, store: alula.Store, rows: list[Row], **what: object) -> None:
        ids = frozenset(row.id for row in rows)
        keys = frozenset(row.key for row in rows)
        with self.retracting:
            now = time.time()
            removal, restoring = Removal(now, ids=ids), Restoring(now, keys)
            with self.truth.lock:
                self.truth.removals.append(removal)
                self.truth.restorings.append(restoring)
            done = store.retract(progress=False, **what)  # type: ignore[arg-type]
            removal.acked = restoring.acked = time.time()
            removal.entry = done.log_entry

    def forget(self, store: alula.Store, own: random.Random) -> None:
        self.stop.wait(own.choice([0.05, 0.4]))
        key = own.randrange(KEYS)
        removal = Removal(time.time(), key=key)
        with self.truth.lock:
            self.truth.removals.append(removal)
        done = store.forget("e", {"k": key}, progress=False)
        removal.acked, removal.entry = time.time(), done.log_entry

    def load_others(self, store: alula.Store) -> None:
        now = np.datetime64(int(time.time() * 1e6), "us")
        store.load(
            "kept",
            {
                "k": list(OTHERS),
                "event_time": [now] * len(OTHERS),
                "created_time": [now] * len(OTHERS),
                "id2": list(OTHERS),
                "key2": list(OTHERS),
                "half2": [key / 2 for key in OTHERS],
                "text2": ["o" * 200] * len(OTHERS),
            },
            progress=False,
        )

    def read_others(self, store: alula.Store, own: random.Random) -> None:
        keys = own.sample(OTHERS, 400)
        answer = store.read("one", {"k": keys})
        assert answer.column("id2").tolist() == keys == answer.column("key2").tolist()
        self.stop.wait(0.005)

    def read(self, store: alula.Store, own: random.Random) -> None:
        keys = [own.randrange(KEYS) for _ in range(own.choice([1, 4, 20]))]
        service = own.choice(["both", "one"])
        start = time.time()
        answer = store.read(service, {"k": keys})
        end = time.time()
        seen = []
        for view in ["fresh", "kept"] if service == "both" else ["kept"]:
            names = NAMES[view]
            columns = [answer.column(name) for name in names]
            statuses = answer.statuses(names[0]).tolist()
            events = answer.event_times(names[0]).astype("datetime64[us]").astype(np.int64).tolist()
            for place, key in enumerate(keys):
                status = statuses[place]
                values = [column[place] for column in columns]
                id = None
                if status == "present":
                    id = int(values[0])
                    whole = (key, id / 2, text_of(id))
                    assert tuple(values[1:]) == whole, f"a mixed row: {values} of key {key}"
                else:
                    assert values[3] is None and np.isnan(values[2]), f"a {status} value: {values}"
                event = None if status == "notFound" else events[place]
                seen.append(Seen(start, end, view, key, status, id, event))
        self.truth.seen += seen


@pytest.mark.parametrize("cache", ["64MiB", "1MiB", "0"])
def test_every_answer_is_one_that_the_truth_allows(
    own_server: Server, cache: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert own_server.stop() == 0
    own_server.options = ["--cache-size", cache]
    own_server.start()
    with own_server.connect() as store:
        store.apply(DEFINITIONS)
        world = World(own_server)
        world.load_others(store)
    try:
        world.run(SECONDS / 3)
        # What is left when all is quiet is exact.
        with own_server.connect("truth") as store:
            keys = list(range(KEYS))
            for _ in range(3):
                world.read(store, random.Random(1))
            start = time.time()
            answer = store.read("one", {"k": keys})
            end = time.time()
            ids, statuses = answer.column("id2"), answer.statuses("id2").tolist()
            events = answer.event_times("id2").astype("datetime64[us]").astype(np.int64)
            for key in keys:
                present = statuses[key] == "present"
                world.truth.seen.append(
                    Seen(start, end, "kept", key, statuses[key], int(ids[key]) if present else None,
                         int(events[key]) if present else None)
                )  # fmt: skip
        counts = world.truth.check()
    except BaseException as error:
        raise AssertionError(f"seed {SEED}: {error}") from error
    with capsys.disabled():
        print(f"\n{cache}: {world.counts}, answers checked: {counts}")
    assert all(counts.get(name, 0) > 0 for name in ["present", "notFound", "expired", "accepted"])
    assert all(
        world.counts.get(name, 0) > 0 for name in ["push", "load", "retract", "forget", "read"]
    )


@pytest.mark.parametrize(
    "break_it",
    ["stale", "expired", "mixed", "removed"],
)
def test_the_model_finds_answers_that_are_wrong(break_it: str, tmp_path: Path) -> None:
    truth = Truth({"fresh": MAX_AGE, "kept": None})
    old = Row("fresh", 1, 1, 1_000_000, 1, begun=1, acked=1.1, entry=1)
    new = Row("fresh", 1, 2, 2_000_000, 2, begun=2, acked=2.1, entry=2)
    truth.rows = {1: old, 2: new}
    right = Seen(2.2, 2.3, "fresh", 1, "present", 2, 2_000_000)
    truth.seen = [right]
    assert truth.check() == {"present": 1}
    if break_it == "stale":
        truth.seen = [Seen(2.2, 2.3, "fresh", 1, "present", 1, 1_000_000)]
    elif break_it == "expired":
        truth.seen = [Seen(6.0, 6.1, "fresh", 1, "present", 2, 2_000_000)]
    elif break_it == "mixed":
        truth.seen = [Seen(2.2, 2.3, "fresh", 1, "present", 2, 1_000_000)]
    else:
        truth.removals = [Removal(2.2, 2.3, key=1, entry=3)]
        truth.seen = [Seen(2.4, 2.5, "fresh", 1, "present", 2, 2_000_000)]
    with pytest.raises(AssertionError):
        truth.check()

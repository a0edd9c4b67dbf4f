"""A day's worth of mixed load in fast time: everything at once for so many minutes, and what the server has taken
of the machine by then."""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from server_process import Server

import alula
from torture.world import World
from torture.writers import KEPT_KEYS, KEYS, START, Act

MOST_GROWTH = 1.25
"""Of memory, from the middle of the time to its end; caches are full by then."""
ROOM = 48 << 20
"""Bytes of growth that say nothing."""


class BusyWorld(World):
    """Readers beside all writers."""

    def acts(self) -> list[Act]:
        return [*super().acts(), self.read, self.read, self.look_back, self.look_around]

    def read(self, store: alula.Store, own: random.Random) -> None:
        for _ in range(50):
            keys = own.choices(KEYS, k=own.choice([1, 8, 100]))
            assert len(store.read("s", {"k": keys}).to_arrow()) == len(keys)
        self.counts["reads"] += 50

    def look_back(self, store: alula.Store, own: random.Random) -> None:
        store.history("pushed", {"k": own.choice(KEYS)})
        store.read("kept", {"kept_key": KEPT_KEYS}).to_numpy()
        spine = {"k": own.choices(KEYS, k=2_000), "event_time": [START] * 2_000}
        assert store.training_set("s", spine).to_arrow().num_rows == 2_000
        self.counts["looks back"] += 1
        self.stop.wait(0.2)

    def look_around(self, store: alula.Store, own: random.Random) -> None:
        """Also by connections that come and go, and by calls that fail."""
        with self.server.connect("torture") as other:
            other.status()
            other.models()
            other.search_runs("metric.auc > 0.5", limit=20)
            try:
                other.read("nothing", {"k": ["x"]})
            except alula.NotFound:
                pass
        self.server.page("/metrics")
        self.counts["looks around"] += 1
        self.stop.wait(0.1)

    @property
    def counts(self) -> Counter[str]:
        return self.__dict__.setdefault("_counts", Counter())


@dataclass
class Taken:
    """What a process has of the machine, looked at again and again."""

    process: int
    memory: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    def look(self) -> None:
        place = Path(f"/proc/{self.process}")
        status = dict(
            line.split(":", 1) for line in (place / "status").read_text().splitlines() if ":" in line
        )  # fmt: skip
        # Without what is mapped from files, which the system takes back when it likes.
        self.memory.append(int(status["RssAnon"].split()[0]) << 10)
        self.threads.append(int(status["Threads"]))
        self.files.append(len(list((place / "fd").iterdir())))

    def check(self) -> None:
        third = max(1, len(self.memory) // 3)
        for name, values, room in [
            ("bytes of memory", self.memory, ROOM), ("files", self.files, 24), ("threads", self.threads, 24),
        ]:  # fmt: skip
            middle = statistics.median(values[third : 2 * third] or values)
            end = statistics.median(values[-third:])
            assert end <= middle * MOST_GROWTH + room, f"{name} grow: {middle:,} to {end:,}"

    def __str__(self) -> str:
        return (
            f"{self.memory[-1] >> 20} MiB (most {max(self.memory) >> 20}), {self.files[-1]} files, "
            f"{self.threads[-1]} threads"
        )


def soak(directory: Path, minutes: float, seed: int, say: Callable[[str], None]) -> Counter[str]:
    """Raises where something is lost, wrong, or grows."""
    directory.mkdir(parents=True, exist_ok=True)
    server = Server(directory / "data")
    server.options = ["--backups", str(directory / "backups")]
    server.start()
    try:
        world = BusyWorld(server, directory / "outside", seed)
        world.has_backups = True
        world.define_all()
        assert server.process is not None
        taken = Taken(server.process.pid)
        threads = world.write_until_stopped()
        until = time.monotonic() + 60 * minutes
        told = 0.0
        while time.monotonic() < until:
            time.sleep(min(1.0, minutes))
            taken.look()
            assert not world.ledger.failures, world.ledger.failures
            if time.monotonic() - told > 30:
                told = time.monotonic()
                say(f"{taken}; {world.ledger.counts()}, {dict(world.counts)}")
        world.stop.set()
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive(), "a writer hangs"
        say(str(taken))
        taken.check()
        world.wait_until_ready()
        world.check()
        assert server.stop() == 0
        return Counter(world.ledger.counts()) + world.counts
    finally:
        server.kill()

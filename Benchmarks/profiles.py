"""What profiles of what came cost: processor time of a server, with and without, in pairs.

    ALULA_BINARY=.build/release/alula python Benchmarks/profiles.py --rows 200000 --reads 1000

Takes pushes of 1,000 rows, then logged reads of 100 keys. Threads of low priority do what is behind:
history, the prediction log, compaction, profiles. `with` has spans of so many seconds that end while it
runs; `without` has none that ends. The difference of the processor time of all threads is what
profiles cost.
"""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import os
import re
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import alula

BINARY = os.environ.get("ALULA_BINARY", ".build/release/alula")
KEYS = 20_000


class Measured:
    """A server on a directory of its own, and the processor time of its threads."""

    def __init__(self, directory: str, span: str) -> None:
        self.data = Path(directory, "data")
        self._process = subprocess.Popen(
            [BINARY, "serve", "--data", str(self.data), "--listen", "127.0.0.1:0", "--http", "none",
             "--profile-span", span],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        output = self._process.stdout
        assert output is not None
        for line in output:
            if found := re.search(r"on alula://(\S+)", line):
                self.address = f"alula://{found[1]}"
                break
        threading.Thread(target=lambda: list(output), daemon=True).start()

    def nanoseconds(self) -> collections.Counter[str]:
        """Of threads that answer, and of those behind."""
        sums: collections.Counter[str] = collections.Counter()
        for task in Path(f"/proc/{self._process.pid}/task").iterdir():
            try:
                niceness = (task / "stat").read_text().rsplit(")", 1)[1].split()[16]
                spent = int((task / "schedstat").read_text().split()[0])
            except OSError:
                continue  # it has ended
            sums["front" if niceness == "0" else "behind"] += spent
        return sums

    def profiled(self, subject: str) -> int:
        """Rows that are in profiles."""
        with sqlite3.connect(f"file:{self.data}/offline.sqlite?mode=ro", uri=True) as file:
            query = "SELECT sum(rows) FROM profile_hour WHERE subject LIKE ?"
            return int(file.execute(query, (subject + "%",)).fetchone()[0] or 0)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)


def phase(
    server: Measured, subject: str, rows: int, seconds: int, made: bool, work: Callable[[], None]
) -> dict[str, float]:
    """Nanoseconds a row, once all rows are in profiles; without, after as long."""
    before, begun = server.nanoseconds(), time.monotonic()

    work()
    end = begun + 300 if made else time.monotonic() + 2 * seconds
    while time.monotonic() < end and not (made and server.profiled(subject) >= rows):
        time.sleep(0.5)
    after = server.nanoseconds()
    return {name: (after[name] - before[name]) / rows for name in ("front", "behind")}


def measure(made: bool, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    random = np.random.default_rng(1)
    names = [f"f{number}" for number in range(options.features)]
    now = dt.datetime.now(dt.timezone.utc)
    with tempfile.TemporaryDirectory() as directory:
        server = Measured(directory, f"{options.span}s" if made else "3000d")
        with alula.connect(server.address, project="p", timeout=120) as store:
            store.apply(
                "project: p\nentities: [{name: e, keys: {id: int64}}]\nviews:\n  - {name: v, entity: e, "
                f"features: {{{', '.join(f'{name}: float64' for name in names)}}}}}\n"
                'services: [{name: s, features: ["v:*"]}]\n'
            )

            def push() -> None:
                for start in range(0, options.rows, 1_000):
                    when = now + dt.timedelta(microseconds=start)
                    values = {name: random.normal(size=1_000) for name in names}
                    ids = np.arange(start, start + 1_000) % KEYS
                    store.push("v", {"id": ids, "event_time": [when] * 1_000, **values})

            def read() -> None:
                for _ in range(options.reads):
                    store.read(model="m", keys={"id": random.integers(0, KEYS, 100)}, log=True)

            found = {"push": phase(server, "view", options.rows, options.span, made, push)}
            file = Path(directory, "model")
            file.write_bytes(b"model")
            train = store.training_set("s", {"id": [1], "event_time": [now]})
            with store.run("x", training_set=train) as run:
                run.register("m", [file])
            store.promote("m", 1, "production")
            found["read"] = phase(server, "model", 100 * options.reads, options.span, made, read)
        server.stop()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--reads", type=int, default=1_000)
    parser.add_argument("--features", type=int, default=10)
    parser.add_argument("--span", type=int, default=15, help="seconds of a profile")
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args()
    for _ in range(options.pairs):
        having, lacking = measure(True, options), measure(False, options)
        for what, more in having.items():
            less = lacking[what]
            extra = sum(more.values()) - sum(less.values())
            print(
                f"{what}: with {more['front']:.0f} + {more['behind']:.0f} behind, without "
                f"{less['front']:.0f} + {less['behind']:.0f}: {extra:+.0f} ns a row, "
                f"{extra / sum(less.values()):+.0%}",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""Starts: how long until a server is ready on an empty directory, and after kill -9 with much in the log that history
does not have; and the memory of a server that does nothing.

    Benchmarks/startup.py --rows 10000000 --unapplied 1000000
"""
from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np

import alula
from server import BINARY, Clock, table

FEATURES = 10
ENTITIES = 1_000_000
PUSH_ROWS = 20_000
START = 1_700_000_000_000_000

DEFINITIONS = "project: startup\nentities: [{name: user, keys: {user_id: int64}}]\nviews:\n" + "".join(
    f"  - {{name: {name}, entity: user, features: {{{', '.join(f'f{n}: float64' for n in range(FEATURES))}}}}}\n"
    for name in ("loaded", "pushed")
)


class Start:
    """One start of a server, timed from the moment its process is made."""

    def __init__(self, directory: str) -> None:
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", directory, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        self.lines: list[str] = []
        self.ports: dict[str, int] = {}
        while len(self.ports) < 2:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit(f"the server did not start: {''.join(self.lines)}")
            self.lines.append(line)
            if found := re.search(r"on (alula|http)://127\.0\.0\.1:(\d+)", line):
                self.ports[found[1]] = int(found[2])
        self.listening = time.perf_counter() - self.begun
        os.set_blocking(self.process.stdout.fileno(), False)

    def wait_until_ready(self) -> float:
        """Seconds from the start to the first 200 of /readyz."""
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['http']}/readyz", timeout=20):
                    return time.perf_counter() - self.begun
            except urllib.error.HTTPError:
                time.sleep(0.005)

    def connect(self) -> alula.Store:
        return alula.connect(f"alula://127.0.0.1:{self.ports['alula']}", timeout=600)

    def megabytes(self, what: str = "VmRSS") -> float:
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith(what))

    def said(self) -> list[str]:
        with contextlib.suppress(TypeError):  # nothing was said
            self.lines += self.process.stdout.read().splitlines(keepends=True)
        return self.lines

    def end(self, kill: bool = False) -> None:
        (self.process.kill if kill else self.process.terminate)()
        self.process.wait(120)


def rows(first: int, count: int, seed: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {
        "user_id": random.integers(0, ENTITIES, count),
        "event_time": (START + np.arange(first, first + count) * 1_000).astype("M8[us]"),
        **{f"f{n}": random.random(count) for n in range(FEATURES)},
    }


@contextlib.contextmanager
def history_held(directory: str) -> Iterator[None]:
    """History follows nothing meanwhile: another has the right to write to its file, and writes nothing."""
    file = sqlite3.connect(f"{directory}/offline.sqlite", isolation_level=None, timeout=60)
    file.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        file.execute("ROLLBACK")
        file.close()


def empty_starts(count: int) -> dict[str, Any]:
    ready, idle = [], 0.0
    for number in range(count):
        directory = tempfile.mkdtemp(prefix="alula-startup-")
        start = Start(f"{directory}/data")
        ready.append(start.wait_until_ready())
        if number == count - 1:
            time.sleep(3)
            idle = start.megabytes()
        start.end()
        shutil.rmtree(directory)
    return {
        "start": "an empty directory", "to ready s": statistics.median(ready), "slowest s": max(ready),
        "idle MB": idle,
    }


def killed_start(directory: str, given: argparse.Namespace) -> list[dict[str, Any]]:
    start = Start(directory)
    with start.connect() as store:
        store.apply(DEFINITIONS)
        with Clock() as clock:
            for first in range(0, given.rows, 1_000_000):
                count = min(1_000_000, given.rows - first)
                store.load("loaded", rows(first, count, first), progress=False)
        print(f"{given.rows:,} rows loaded in {clock.seconds:.0f} s", flush=True)
    figures = []
    for number in range(given.times):
        with start.connect() as store:
            with history_held(directory):
                for first in range(0, given.unapplied, PUSH_ROWS):
                    count = min(PUSH_ROWS, given.unapplied - first)
                    pushed = store.push("pushed", rows(first, count, number * 10_000 + first))
                    assert pushed.accepted == count
                behind = store.status()
                start.end(kill=True)
        lag = behind.log_last - behind.offline_applied
        start = Start(directory)
        with contextlib.closing(start.connect()) as store:
            with Clock() as clock:
                store.status()
            first_answer = start.listening + clock.seconds
        red = []
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{start.ports['http']}/readyz", timeout=20):
                    break
            except urllib.error.HTTPError as error:
                red.append(error.code)
                time.sleep(0.01)
        ready = time.perf_counter() - start.begun
        with start.connect() as store:
            assert store.status().offline_applied >= behind.log_last
        shown = [line for line in start.said() if "entry" in line or "ready" in line]
        figures.append({
            "start": f"kill -9, {given.unapplied:,} rows unapplied ({lag} entries)", "listens s": start.listening,
            "answers s": first_answer, "to ready s": ready, "red": len(red), "peak MB": start.megabytes("VmHWM"),
        })
        print("".join(shown[-4:]), end="", flush=True)
    # A start with nothing to do, with as much in the directory.
    start.end()
    start = Start(directory)
    figures.append({"start": "after SIGTERM", "listens s": start.listening, "to ready s": start.wait_until_ready()})
    time.sleep(3)
    figures[-1]["idle MB"] = start.megabytes()
    start.end()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="in history")
    parser.add_argument("--unapplied", type=int, default=1_000_000, help="acknowledged, and not in history")
    parser.add_argument("--times", type=int, default=3)
    given = parser.parse_args()
    print(table([empty_starts(10)]), flush=True)
    place = tempfile.mkdtemp(prefix="alula-startup-")
    try:
        figures = killed_start(f"{place}/data", given)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    names = list(dict.fromkeys(name for row in figures for name in row))
    print(table([{name: row.get(name, "") for name in names} for row in figures]))


if __name__ == "__main__":
    main()

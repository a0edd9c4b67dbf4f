"""Small reads beside bulk work: a materialize, and batch reads of very many entities in one call.

python Benchmarks/bulk.py --rows 200000 [--entities 100000] [--json FILE]

Small reads are an open loop at a third of what the quiet server answers; latency counts from when a read was due.
"""
from __future__ import annotations

import argparse
import json
import statistics
import threading
import time
from typing import Any

import numpy as np
import pyarrow as pa
from server import Clock, Server, table

import alula

SMALL = 20_000
CHUNK = 1_000_000


def definitions(features: int) -> str:
    listed = ", ".join(f"f{place}: float64" for place in range(features))
    small = ", ".join(f"s{place}: float64" for place in range(50))
    return f"""
project: bulk
entities: [{{name: user, keys: {{user_id: int64}}}}]
views:
  - {{name: large, entity: user, features: {{{listed}}}}}
  - {{name: small, entity: user, features: {{{small}}}}}
services:
  - {{name: large, features: ["large:*"]}}
  - {{name: small, features: ["small:*"]}}
"""


def rows(first: int, count: int, features: int, prefix: str) -> pa.Table:
    own = np.random.default_rng(first)
    columns: dict[str, Any] = {
        "user_id": np.arange(first, first + count),
        "event_time": np.full(count, np.datetime64("2024-01-01", "us")),
    }
    columns |= {f"{prefix}{place}": own.random(count) for place in range(features)}
    return pa.table(columns)


class SmallReads:
    """Windows of an open loop of small reads, one after the other."""

    def __init__(self, server: Server, connections: int) -> None:
        self.server, self.connections = server, connections
        quiet = self.window(duration=3)
        self.rate = quiet["requests_per_second"] / 3

    def window(self, duration: float = 1.0, rate: float | None = None) -> dict[str, Any]:
        words = ["small", "--ids", SMALL, "--connections", self.connections, "--duration", duration, "--warm-up", 0.2]
        return self.server.bench(*words, *(["--rate", rate] if rate else []))[0]

    def windows(self, seconds: float) -> list[dict[str, Any]]:
        return [self.window(rate=self.rate) for _ in range(max(1, round(seconds)))]

    def beside(self, work: threading.Thread) -> list[dict[str, Any]]:
        """Windows that lay within the work, or the first."""
        work.start()
        found: list[dict[str, Any]] = []
        while work.is_alive():
            window = self.window(rate=self.rate)
            if work.is_alive() or not found:
                found.append(window)
        work.join()
        return found


def line(name: str, windows: list[dict[str, Any]], work: str = "") -> dict[str, Any]:
    def of(which: str) -> list[float]:
        return [window["latency_us"][which] for window in windows]

    return {
        "beside": name, "small reads/s": statistics.mean(window["requests_per_second"] for window in windows),
        "p50 us": statistics.median(of("p50")), "p99 us": statistics.median(of("p99")),
        "worst p99 us": max(of("p99")), "worst us": max(of("max")), "windows": len(windows),
        "unanswered": sum(window["unanswered"] for window in windows), "the work": work,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--features", type=int, default=10)
    parser.add_argument("--entities", type=int, default=100_000)
    parser.add_argument("--reads", type=int, default=20, help="batch reads")
    parser.add_argument("--connections", type=int, default=2)
    parser.add_argument("--json")
    args = parser.parse_args()
    lines = []
    with Server() as server, alula.connect(server.address, timeout=3_600) as store:
        store.apply(definitions(args.features))
        store.load("small", rows(0, SMALL, 50, "s"), progress=False)
        with Clock() as loading:
            for first in range(0, args.rows, CHUNK):
                count = min(CHUNK, args.rows - first)
                store.load("large", rows(first, count, args.features, "f"), materialize=False, progress=False)
        store.compact(progress=False)
        small = SmallReads(server, args.connections)
        lines.append(line("nothing", small.windows(5)))

        def materialize() -> None:
            with Clock() as clock:
                written = store.materialize(["large"], progress=False)
            assert written == args.rows, written
            spent.append(clock.seconds)

        spent: list[float] = []
        windows = small.beside(threading.Thread(target=materialize))
        work = f"{args.rows:,} rows in {spent[0]:.2f} s: {args.rows / spent[0]:,.0f} rows/s"
        lines.append(line("materialize", windows, work))
        lines.append(line("nothing", small.windows(3)))

        own = np.random.default_rng(7)
        done: list[float] = []

        def read() -> None:
            for _ in range(args.reads):
                keys = own.integers(0, args.rows, args.entities)
                with Clock() as clock:
                    assert len(store.read("large", {"user_id": keys})) == args.entities
                done.append(clock.seconds)
                time.sleep(0.05)

        windows = small.beside(threading.Thread(target=read))
        each = statistics.median(done)
        work = f"{args.entities:,} entities in {1e3 * each:.0f} ms (p50 of {len(done)})"
        lines.append(line("batch reads", windows, work))
    print(f"loaded {args.rows:,} rows in {loading.seconds:.1f} s; small reads at {small.rate:,.0f} a second")
    print(table(lines))
    if args.json:
        with open(args.json, "w") as file:
            json.dump(lines, file, indent=1)


if __name__ == "__main__":
    main()

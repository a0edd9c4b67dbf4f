"""Cost per request as entities grow, and a cache smaller than they are.

python Benchmarks/entities.py --sizes 10000,100000,1000000,10000000 --caches all,tenth,off [--json FILE]

For each size a server is loaded once (load, then materialize); then for each cache it is started anew on the same
directory, warmed, and asked by `alula bench`, uniform and zipfian. "all" holds every row, "tenth" a tenth of their bytes,
"off" none: then RocksDB's MultiGet answers through the same server.
"""
from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from typing import Any

import numpy as np
import pyarrow as pa
from server import BINARY, Clock, Server, table

import alula

CHUNK = 1_000_000
KEY_BYTES = 20
HEADER_BYTES = 40


def definitions(features: int) -> str:
    listed = ", ".join(f"f{place}: float64" for place in range(features))
    return f"""
project: entities
entities: [{{name: user, keys: {{user_id: int64}}}}]
views: [{{name: v, entity: user, features: {{{listed}}}}}]
services: [{{name: s, features: ["v:*"]}}]
"""


def load(directory: str, count: int, features: int, push: bool) -> float:
    server = Server(directory=directory)
    with alula.connect(server.address, timeout=3_600) as store:
        store.apply(definitions(features))
        own = np.random.default_rng(count)
        with Clock() as clock:
            for first in range(0, count, CHUNK):
                rows = min(CHUNK, count - first)
                columns: dict[str, Any] = {
                    "user_id": np.arange(first, first + rows),
                    "event_time": np.full(rows, np.datetime64("2024-01-01", "us")),
                }
                columns |= {f"f{place}": own.random(rows) for place in range(features)}
                if push:
                    chunk = pa.table(columns)
                    for start in range(0, rows, 5_000):
                        pushed = store.push("v", chunk.slice(start, 5_000))
                        assert pushed.refused == 0
                else:
                    store.load("v", pa.table(columns), materialize=False, progress=False)
            if not push:
                assert store.materialize("v", progress=False) == count
    server.stop(keep=True)
    return clock.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,100000,1000000,10000000")
    parser.add_argument("--caches", default="all,tenth,off")
    parser.add_argument("--features", type=int, default=10)
    parser.add_argument("--entities", type=int, default=100, help="in each request")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--zipf", type=float, default=0.99)
    parser.add_argument("--duration", type=float, default=5)
    parser.add_argument("--warm-up", type=float, default=10, help="seconds of the same load before")
    parser.add_argument("--push", action="store_true", help="load by pushes")
    parser.add_argument("--directory", help="where the data goes; default a temporary one")
    parser.add_argument("--json")
    args = parser.parse_args()
    row = KEY_BYTES + HEADER_BYTES + 8 * args.features
    lines = []
    for size in map(int, args.sizes.split(",")):
        directory = tempfile.mkdtemp(prefix="alula-entities-", dir=args.directory)
        try:
            seconds = load(directory, size, args.features, args.push)
            for cache in args.caches.split(","):
                budget = {"all": 4 * size * row + (64 << 20), "tenth": max(1 << 20, size * row // 10), "off": 0}[cache]
                server = Server("--cache-size", str(budget), directory=directory)
                try:
                    for keys in ("uniform", "zipf"):
                        words = ["s", "--project", "entities", "--entities", args.entities, "--ids", size]
                        words += ["--connections", args.connections, "--duration", args.duration]
                        words += ["--warm-up", args.warm_up] + (["--zipf", args.zipf] if keys == "zipf" else [])
                        got = server.bench(*words)[0]
                        assert set(got["statuses"]) == {"present"}, got
                        each = 1e6 / got["requests_per_second"] / args.entities
                        lines.append({
                            "entities": size, "cache": cache, "keys": keys, "requests/s": got["requests_per_second"],
                            "p50 us": got["latency_us"]["p50"], "p99 us": got["latency_us"]["p99"], "us a row": each,
                            "server MiB": server.resident_megabytes(), "loaded rows/s": size / seconds,
                        })  # fmt: skip
                        print(lines[-1], flush=True)
                finally:
                    server.stop(keep=True)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    print(f"{BINARY}: rows of about {row} bytes")
    print(table(lines))
    if args.json:
        with open(args.json, "w") as file:
            json.dump(lines, file, indent=1)


if __name__ == "__main__":
    main()

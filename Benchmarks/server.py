"""A release server on a directory of its own, and `alula bench` against it."""
from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from typing import Any

BINARY = os.environ.get("ALULA_BINARY", ".build/release/alula")


class Server:
    def __init__(self, *options: str, directory: str | None = None, keep: bool = False) -> None:
        self.keep = keep
        self.directory = directory or tempfile.mkdtemp(prefix="alula-bench-")
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", self.directory, "--listen", "127.0.0.1:0", "--http", "none", *options],
            stdout=subprocess.PIPE, text=True,
        )
        self.address = self.process.stdout.readline().split()[-1]

    def stop(self, keep: bool = False) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)
        if not keep:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(self.keep)

    def resident_megabytes(self) -> float:
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmRSS"))

    def processor_seconds(self) -> float:
        """What its threads have taken of the processors so far."""
        folder = f"/proc/{self.process.pid}/task"
        total = 0
        for thread in os.listdir(folder):
            with open(f"{folder}/{thread}/schedstat") as file:
                total += int(file.read().split()[0])
        return total / 1e9

    def online_bytes(self) -> int:
        """Bytes of RocksDB's files."""
        folder = os.path.join(self.directory, "online")
        return sum(entry.stat().st_size for entry in os.scandir(folder) if entry.is_file())

    def bench(self, *words: object) -> list[dict[str, Any]]:
        """The loads of one `alula bench`."""
        command = [BINARY, "bench", "load", "--server", self.address, "--json", *map(str, words)]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["loads"]


class Clock:
    def __enter__(self) -> Clock:
        self.begun = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self.begun


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as text, numbers with three digits that count."""
    def cell(value: Any) -> str:
        if isinstance(value, float):
            return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
        return f"{value:,}" if isinstance(value, int) else str(value)

    names = list(rows[0])
    cells = [names] + [[cell(row.get(name, "")) for name in names] for row in rows]
    widths = [max(len(line[place]) for line in cells) for place in range(len(names))]
    return "\n".join("  ".join(text.rjust(width) for text, width in zip(line, widths)) for line in cells)

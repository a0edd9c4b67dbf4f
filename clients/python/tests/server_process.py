"""A real server in a process of its own: ALULA_BINARY names the `alula` to start."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import threading
from pathlib import Path

import pytest

import alula

BINARY = os.environ.get("ALULA_BINARY", "")
needs_server = pytest.mark.skipif(not BINARY, reason="ALULA_BINARY names no server to start")
DATA = Path(os.environ.get("ALULA_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the shared data is not at {DATA}")


class Server:
    """A server process on its own directory; it can be killed and started again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.process: subprocess.Popen[str] | None = None
        self.port = 0
        self.options: list[str] = []
        """More words for `alula serve`."""

    def start(self) -> Server:
        lines: queue.Queue[str] = queue.Queue()
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", str(self.directory), "--listen", f"127.0.0.1:{self.port}",
             "--http", "127.0.0.1:0", *self.options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        output = self.process.stdout
        assert output is not None

        def read() -> None:
            for line in output:
                lines.put(line)
            lines.put("")

        threading.Thread(target=read, daemon=True).start()
        said = ""
        while line := lines.get(timeout=60):
            said += line
            if found := re.search(r"listening on alula://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                return self
        raise AssertionError(f"the server did not start: {said}")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def connect(self, project: str | None = None) -> alula.Store:
        return alula.connect(f"alula://127.0.0.1:{self.port}", project=project, timeout=60)

"""A real server in a process of its own: ALULA_BINARY names the `alula` to start."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from waiting import wait_until

import alula

BINARY = os.environ.get("ALULA_BINARY", "")
needs_server = pytest.mark.skipif(not BINARY, reason="ALULA_BINARY names no server to start")
DATA = Path(os.environ.get("ALULA_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the shared data is not at {DATA}")


class DidNotStart(AssertionError):
    """The process ended before it listened."""


class Server:
    """A server process on its own directory; it can be killed and started again."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        self.process: subprocess.Popen[str] | None = None
        self.port = 0
        self.options = list(options)
        """More words for `alula serve`."""
        self.address = self.http = ""
        """Where calls and pages are answered, with their schemes."""
        self.environment: dict[str, str] = {}
        self.health = 0
        """The HTTP port."""
        self.said = ""
        """What the process has printed since it was started."""

    def start(self) -> Server:
        if self.process is not None:
            self.process.wait(30)  # its connections end before its locks do
        lines: queue.Queue[str] = queue.Queue()
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", str(self.directory), "--listen", f"127.0.0.1:{self.port}",
             "--http", "127.0.0.1:0", *self.options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, **self.environment},
        )  # fmt: skip
        output = self.process.stdout
        assert output is not None

        def read() -> None:
            for line in output:
                self.said += line
                lines.put(line)
            lines.put("")

        self.said = ""
        threading.Thread(target=read, daemon=True).start()
        ports = {"alula": 0, "http": int("none" in self.options)}
        while line := lines.get(timeout=60):
            if found := re.search(r"(?:listening|health) on ((alula|http)s?://\S+:(\d+))", line):
                ports[found[2]] = int(found[3])
                if found[2] == "alula":
                    self.address = found[1]
                else:
                    self.http = found[1]
            if all(ports.values()):
                self.port, self.health = ports["alula"], ports["http"]
                return self
        raise DidNotStart(f"the server did not start: {self.said}")

    def page(self, path: str) -> tuple[int, str]:
        """The code and the text of a page of the HTTP port."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health}{path}", timeout=20) as got:
                return int(got.status), got.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def memory(self) -> int:
        """Resident bytes."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) << 10

    def until_it_says(self, words: str) -> None:
        wait_until(lambda: words in self.said, 20, tell=lambda: self.said)

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def connect(self, project: str | None = None) -> alula.Store:
        return alula.connect(f"alula://127.0.0.1:{self.port}", project=project, timeout=60)

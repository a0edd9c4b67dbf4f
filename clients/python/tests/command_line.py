"""The command line against a running server, as a person or a script calls it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path
from typing import Any

from server_process import BINARY, Server


class CommandLine:
    """Runs verbs; the exit code that is expected is checked."""

    def __init__(self, server: Server, directory: Path) -> None:
        self.server = server
        self.directory = directory

    def run(
        self, *words: object, code: int = 0, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.words(*words), capture_output=True, text=True, timeout=120, cwd=self.directory,
            input=stdin, env=self.environment,
        )  # fmt: skip
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def __call__(self, *words: object, stdin: str = "") -> str:
        """What it prints."""
        return self.run(*words, stdin=stdin).stdout

    def json(self, *words: object, code: int = 0, stdin: str = "") -> Any:
        return json.loads(self.run(*words, "--json", code=code, stdin=stdin).stdout)

    def lines(self, *words: object) -> list[dict[str, Any]]:
        """A JSON object for each line."""
        return [json.loads(line) for line in self(*words, "--json").splitlines()]

    def error(self, *words: object, code: int = 1) -> str:
        """What it says where it fails."""
        done = self.run(*words, code=code)
        assert done.stderr and "Error:" not in done.stdout
        return done.stderr

    def file(self, name: str, text: str) -> str:
        (self.directory / name).write_text(text)
        return name

    def apply(self, definitions: str) -> None:
        self("apply", self.file("definitions.yaml", definitions))

    def push(self, view: str, *rows: dict[str, Any]) -> Any:
        return self.json("push", view, stdin="\n".join(json.dumps(row) for row in rows))

    def asked(self, answer: str, *words: object) -> tuple[int, str]:
        """Runs a verb on a terminal and types an answer; the exit code, and all that was shown."""
        parent, child = pty.openpty()
        process = subprocess.Popen(
            self.words(*words), stdin=child, stdout=child, stderr=child, cwd=self.directory,
            env=self.environment,
        )  # fmt: skip
        os.close(child)
        shown = b""
        try:
            while b"[y/N]" not in shown:
                shown += os.read(parent, 4096)
            os.write(parent, f"{answer}\n".encode())
            while piece := os.read(parent, 4096):
                shown += piece
        except OSError:
            pass  # the other end is closed
        finally:
            os.close(parent)
        return process.wait(60), shown.decode()

    def words(self, *words: object) -> list[str]:
        return [BINARY, *map(str, words)]

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"ALULA_SERVER": f"alula://127.0.0.1:{self.server.port}"}


def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs words, of any server or of none."""
    return subprocess.run(
        [BINARY, *words], capture_output=True, text=True, timeout=60,
        env={**os.environ, **environment},
    )  # fmt: skip


def make_token(data: Path, name: str, roles: str, *more: str) -> str:
    """A token in a directory that no server holds."""
    made = command("token", "create", name, "--roles", roles, "--data", str(data), *more)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()

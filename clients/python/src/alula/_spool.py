"""Calls that could not be sent yet, in a file, in their order.

```
one line of JSON: server, project, run | records: u32 bytes, u16 operation, u32 CRC-32, the bytes
```
Each record carries its request id, so that a repeat changes nothing; what a crash has cut off at
the end is not read.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ._session import Session
from .errors import (
    Aborted,
    AlulaError,
    Cancelled,
    DataLoss,
    DeadlineExceeded,
    InternalError,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    UnknownError,
)

#: What ends by itself: the server is away, starting, or full.
PASSING = (Unavailable, DeadlineExceeded, ResourceExhausted)
#: What is wrong with who sends or with the server, and not with what is sent.
NOT_NOW = (
    Unauthenticated, PermissionDenied, InternalError, UnknownError, Cancelled, Aborted, DataLoss,
)  # fmt: skip
_HEAD = struct.Struct("<IHI")


def spool_directory() -> Path:
    """ALULA_SPOOL, else ``alula/spool`` where programs keep their state."""
    if named := os.environ.get("ALULA_SPOOL"):
        return Path(named)
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "alula" / "spool"


def header_of(session: Session, run: str) -> dict[str, str]:
    """Whose calls a file holds."""
    endpoint = session.transport.endpoint
    return {"server": f"{endpoint.host}:{endpoint.port}", "project": session.project, "run": run}


class Spool:
    """The calls of one run that wait; the file is there as long as some do."""

    def __init__(self, path: Path, header: dict[str, str]) -> None:
        self.path = path
        self._header = header
        self._file: BinaryIO | None = None
        self._offset = 0
        self.waiting = 0

    def append(self, operation: int, control: bytes) -> None:
        """Puts a call behind the others."""
        file = self._open()
        file.seek(0, os.SEEK_END)
        file.write(_HEAD.pack(len(control), operation, zlib.crc32(control)) + control)
        file.flush()
        self.waiting += 1

    def first(self) -> tuple[int, bytes] | None:
        """The call that is to be sent next."""
        if self._file is None or not self.waiting:
            return None
        self._file.seek(self._offset)
        return _read(self._file)

    def sent(self) -> None:
        """The first call is delivered; with the last one the file goes."""
        found = self.first()
        assert found is not None
        self._offset += _HEAD.size + len(found[1])
        self.waiting -= 1
        if not self.waiting:
            self.path.unlink(missing_ok=True)
            self.close()

    def close(self) -> None:
        """Leaves the file to who delivers it later."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> BinaryIO:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._file = os.fdopen(handle, "r+b")
            line = json.dumps(self._header).encode() + b"\n"
            self._file.write(line)
            self._offset = len(line)
        return self._file


def _read(file: BinaryIO) -> tuple[int, bytes] | None:
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    size, operation, checksum = _HEAD.unpack(head)
    control = file.read(size)
    return (operation, control) if zlib.crc32(control) == checksum else None


@dataclass(frozen=True)
class Delivery:
    """What became of the calls that a run left waiting: sent, refused for good with the first
    reason, and still waiting because the server is away or does not let the caller send them.
    """

    run: str
    sent: int
    refused: int
    waiting: int
    reason: str = ""


def deliver(session: Session) -> list[Delivery]:
    """Sends what runs of this server and project have left behind, each in its order."""
    deliveries = []
    for path in sorted(spool_directory().glob("*.spool")):
        with contextlib.suppress(FileNotFoundError), path.open("r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                header = json.loads(file.readline())
            except (BlockingIOError, ValueError):
                continue  # its run is still being written, or it is no such file
            if not path.exists() or header != header_of(session, str(header.get("run"))):
                continue
            delivery = _deliver(session, file, header["run"])
            if not delivery.waiting:
                path.unlink(missing_ok=True)
            deliveries.append(delivery)
    return deliveries


def _deliver(session: Session, file: BinaryIO, run: str) -> Delivery:
    sent = refused = waiting = 0
    reason = ""
    while (record := _read(file)) is not None:
        if waiting:
            waiting += 1
            continue
        try:
            session.transport.unary(*record)
            sent += 1
        except (*PASSING, *NOT_NOW) as error:
            waiting += 1
            reason = reason or error.message
        except AlulaError as error:
            refused += 1
            reason = reason or error.message
    return Delivery(run, sent, refused, waiting, reason)

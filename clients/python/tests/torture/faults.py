"""Steers the fault layer of Tests/CFaults: builds it, arms it, reads what it has seen."""

from __future__ import annotations

import hashlib
import mmap
import os
import random
import shutil
import struct
import subprocess
import tempfile
from enum import IntEnum, IntFlag
from pathlib import Path

from torture.powercut import Journal, Survival

SOURCE = Path(__file__).resolve().parents[4] / "Tests" / "CFaults"
MAGIC = 0x31544C5541464C41
PAGE = 4096


class Kind(IntFlag):
    WRITE = 1
    SYNC = 2
    RENAME = 4
    OPEN = 8
    TRUNCATE = 16
    UNLINK = 32
    MAKE = 64
    ALL = 127


class Action(IntEnum):
    EIO = 1
    ENOSPC = 2
    SHORT = 3
    TORN = 4
    KILL_BEFORE = 5
    KILL_AFTER = 6
    KILL_TORN = 7
    DELAY = 8

    @property
    def kills(self) -> bool:
        return self in (Action.KILL_BEFORE, Action.KILL_AFTER, Action.KILL_TORN)


_FIELDS = {
    "magic": 0, "armed": 8, "target": 16, "repeat": 24, "action": 32, "counted": 40, "injected": 48,
    "sequence": 56, "capacity": 64, "discreet": 80, "failed_syncs": 88, "delay": 472,
}  # fmt: skip
FOREVER = 2**63


def library() -> Path:
    """The layer, built with the system's C compiler where it is not there."""
    sources = [SOURCE / "faults.c", SOURCE / "faults.h"]
    place = Path(tempfile.gettempdir()) / f"alula-faults-{os.getuid()}"
    place.mkdir(mode=0o700, exist_ok=True)
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    built = place / f"libfaults-{digest[:16]}.so"
    if built.exists():
        return built
    made = place / f"libfaults.{os.getpid()}"
    flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"]
    compiler = os.environ.get("CC", "cc")
    subprocess.run(
        [compiler, *flags, "-o", made, sources[0], "-ldl", "-lpthread"],
        check=True,
    )
    made.rename(built)
    return built


class Faults:
    """The layer over one directory, for one process after the other."""

    def __init__(self, under: Path, beside: Path, *, journal: bool = False) -> None:
        """`beside` is outside `under`, on the same disk."""
        beside.mkdir(parents=True, exist_ok=True)
        self.under = under
        self.graves = beside / "graves"
        self.graves.mkdir(exist_ok=True)
        self.journal_path = beside / "journal"
        self.is_journaled = journal
        control = beside / "control"
        control.write_bytes(bytes(PAGE))
        with control.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), PAGE)
        self._control = control
        self._set("magic", MAGIC)

    def environment(self) -> dict[str, str]:
        given = {
            "LD_PRELOAD": str(library()),
            "ALULA_FAULTS": str(self._control),
            "ALULA_FAULTS_UNDER": str(self.under),
            "SWIFT_BACKTRACE": "enable=no",
        }
        if self.is_journaled:
            given |= {
                "ALULA_FAULTS_JOURNAL": str(self.journal_path),
                "ALULA_FAULTS_GRAVES": str(self.graves),
            }
        return given

    def _get(self, name: str) -> int:
        return int(struct.unpack_from("<Q", self._page, _FIELDS[name])[0])

    def _set(self, name: str, value: int) -> None:
        struct.pack_into("<Q", self._page, _FIELDS[name], value)

    def arm(
        self, kinds: Kind, action: Action, number: int, *, repeat: int = 1, only: str = ""
    ) -> None:
        """The `number`-th call of these kinds from now on fails, or ends the process."""
        self.disarm()
        self._page[152:216] = only.encode().ljust(64, b"\0")
        self._page[216:472] = bytes(256)
        for name, value in [
            ("target", number), ("repeat", repeat), ("action", int(action)), ("counted", 0),
            ("injected", 0), ("failed_syncs", 0), ("armed", int(kinds)),
        ]:  # fmt: skip
            self._set(name, value)

    def slow(self, kinds: Kind, seconds: float, *, only: str = "") -> None:
        """Every call of these kinds takes so long."""
        self._set("delay", int(seconds * 1e6))
        self.arm(kinds, Action.DELAY, 1, repeat=FOREVER, only=only)

    def disarm(self) -> None:
        self._set("armed", 0)

    @property
    def counted(self) -> int:
        """Calls of the armed kinds since then."""
        return self._get("counted")

    @property
    def injected(self) -> int:
        return self._get("injected")

    @property
    def failed_syncs(self) -> int:
        return self._get("failed_syncs")

    @property
    def last(self) -> str:
        """The call that was made to fail last."""
        return self._page[216:472].split(b"\0")[0].decode(errors="replace")

    @property
    def seen(self) -> dict[str, int]:
        """Calls of each kind since the layer was made."""
        counts = struct.unpack_from("<7Q", self._page, 96)
        names = ["write", "sync", "rename", "open", "truncate", "unlink", "mkdir"]
        return dict(zip(names, counts))

    def limit_disk(self, more: int | None, *, discreet: bool = False) -> None:
        """Room for so many more bytes; None is any number.

        A discreet limit is not told by statvfs, as of a quota.
        """
        used = struct.unpack_from("<q", self._page, 72)[0]
        self._set("discreet", int(discreet))
        if more is None:
            self._set("capacity", 0)
            return
        # Room counts from a base that deletions do not take below nothing.
        base = 1 << 40
        if used < base:
            struct.pack_into("<q", self._page, 72, base)
            used = base
        self._set("capacity", used + more)

    def power_cut(self, own: random.Random, survival: Survival | None = None) -> str:
        """Takes back what was not synced, some of it or all; the process has ended before.

        Says what was done.
        """
        assert self.is_journaled
        journal = Journal.read(self.journal_path)
        said = journal.cut(self.under, self.graves, own, survival)
        self.forget()
        return said

    def forget(self) -> None:
        """As if everything were synced now."""
        self.journal_path.unlink(missing_ok=True)
        for grave in self.graves.iterdir():
            if grave.is_dir():
                shutil.rmtree(grave)
            else:
                grave.unlink()

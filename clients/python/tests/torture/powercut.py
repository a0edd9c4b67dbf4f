"""What a power cut leaves: of each file and each directory what was synced, and of the rest as much or as
little as chance will have it."""

from __future__ import annotations

import os
import random
import shutil
import struct
from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

RECORD = struct.Struct("<IIQQQQQII")
MAGIC = 0x314A4641
WRITE, TRUNCATE, SYNC, SYNC_FAILED, ADD, REMOVE = 1, 2, 3, 4, 5, 6
SECTOR = 512


class Survival(Enum):
    """How much of what was not synced is there afterwards."""

    NOTHING = "nothing"
    EVERYTHING = "everything"
    SOME = "some"


@dataclass
class Change:
    sequence: int
    kind: int
    inode: int
    a: int
    b: int
    c: int
    name: str
    data: bytes
    is_durable: bool = False
    is_doomed: bool = False


@dataclass
class Ranges:
    """Bytes that are settled; a list of disjoint pairs."""

    pairs: list[tuple[int, int]] = field(default_factory=list)

    def add(self, start: int, end: int) -> None:
        if start < end:
            self.pairs.append((start, end))

    def outside(self, start: int, end: int) -> list[tuple[int, int]]:
        """The parts of a range that are not settled."""
        left = [(start, end)]
        for first, last in self.pairs:
            rest = []
            for begin, stop in left:
                if last <= begin or first >= stop:
                    rest.append((begin, stop))
                    continue
                if begin < first:
                    rest.append((begin, first))
                if last < stop:
                    rest.append((last, stop))
            left = rest
        return left


class Journal:
    """Every change since everything was durable, in its order."""

    def __init__(self, changes: list[Change]) -> None:
        self.of: dict[int, list[Change]] = defaultdict(list)
        self.directories = {one.a for one in changes if one.kind in (ADD, REMOVE) and one.b}
        for change in sorted(changes, key=lambda one: one.sequence):
            self.of[change.inode].append(change)
        for history in self.of.values():
            self._settle(history)

    @staticmethod
    def read(path: Path) -> Journal:
        changes = []
        content = path.read_bytes() if path.exists() else b""
        at = 0
        while at + RECORD.size <= len(content):
            magic, kind, sequence, inode, a, b, c, names, size = RECORD.unpack_from(content, at)
            assert magic == MAGIC, f"the journal is broken at {at}"
            at += RECORD.size
            if at + names + size > len(content):
                break  # the process ended while it was written, and so before the change
            name = content[at : at + names].decode()
            at += names
            changes.append(Change(sequence, kind, inode, a, b, c, name, content[at : at + size]))
            at += size
        return Journal(changes)

    @staticmethod
    def _settle(history: list[Change]) -> None:
        """Which changes are durable: those before a sync that was not preceded by a failed one.

        What was dirty when a sync failed is marked clean by the system and never written. Names are
        metadata: a file system that cannot write those stops by itself, so for them it is only as if
        there had been no sync.
        """
        pending: list[Change] = []
        for change in history:
            if change.kind not in (SYNC, SYNC_FAILED):
                pending.append(change)
                continue
            for other in pending:
                if other.sequence < change.a:
                    other.is_durable = change.kind == SYNC
                    other.is_doomed = change.kind == SYNC_FAILED and other.kind not in (ADD, REMOVE)
            pending = [other for other in pending if not (other.is_durable or other.is_doomed)]

    def cut(self, under: Path, graves: Path, own: random.Random, survival: Survival | None) -> str:
        paths = _by_inode(under) | _by_inode(graves)
        counts: dict[str, int] = defaultdict(int)
        directories = []
        for inode, history in self.of.items():
            path = paths.get(inode)
            if any(change.kind in (ADD, REMOVE) for change in history):
                # Numbers of directories that are gone are given to files.
                if path is None or path.is_dir():
                    directories.append(inode)
                continue
            how = survival or own.choice(list(Survival))
            if path is None:
                assert not any(one.kind in (WRITE, TRUNCATE) for one in history), inode
                continue
            if _cut_file(path, history, own, how):
                counts[f"files that kept {how.value}"] += 1
        # Names come back before directories of theirs go.
        changes: list[tuple[int, str, int | None]] = []
        for inode in directories:
            how = survival or own.choice(list(Survival))
            changes += _names_after(self.of[inode], own, how)
        moved = self._change_names(changes, paths, graves, under)
        counts["names"] += moved
        for shared in under.rglob("*-shm"):
            shared.unlink()  # memory, made anew by who opens the file first
        return ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing"

    def _change_names(
        self,
        changes: list[tuple[int, str, int | None]],
        paths: dict[int, Path],
        graves: Path,
        under: Path,
    ) -> int:
        moved = 0
        for inode, name, child in sorted(changes, key=lambda one: one[2] is None):
            directory = paths.get(inode)
            if directory is None or not directory.is_dir():
                continue  # it is gone itself
            path = directory / name
            there = path.lstat().st_ino if os.path.lexists(path) else None
            if there == child:
                continue
            moved += 1
            if there is not None:
                _bury(path, graves)
            if child is None:
                continue
            source = _by_inode(graves).get(child) or _by_inode(under).get(child)
            if source is None and child in self.directories:
                continue  # removed, and not kept by the layer
            assert source is not None, f"{path}: nothing is left of it"
            if source.is_dir():
                source.rename(path)
            else:
                os.link(source, path)
        return moved


def _bury(path: Path, graves: Path) -> None:
    """Its content may come back under another name yet."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
        return
    path.rename(graves / f"cut-{path.lstat().st_ino}-{os.urandom(4).hex()}")


def _by_inode(place: Path) -> dict[int, Path]:
    found = {place.lstat().st_ino: place}
    for path in place.rglob("*"):
        try:
            found[path.lstat().st_ino] = path
        except FileNotFoundError:
            continue
    return found


def _names_after(
    history: list[Change], own: random.Random, how: Survival
) -> list[tuple[int, str, int | None]]:
    """What each name of a directory that changed stands for afterwards; None is nothing."""
    pending = [
        one for one in history if one.kind in (ADD, REMOVE) and not one.is_durable and not one.is_doomed
    ]  # fmt: skip
    # A directory's changes reach the disk in their order.
    kept = {Survival.NOTHING: 0, Survival.EVERYTHING: len(pending)}.get(
        how, own.randint(0, len(pending))
    )
    survivors = {id(one) for one in pending[:kept]}
    before: dict[str, int | None] = {}
    names: dict[str, int | None] = {}
    for change in history:
        if change.kind not in (ADD, REMOVE):
            continue
        if change.name not in before:
            before[change.name] = None if change.kind == ADD else change.a
            names[change.name] = before[change.name]
        if change.is_durable or id(change) in survivors:
            names[change.name] = change.a if change.kind == ADD else None
    return [(history[0].inode, name, child) for name, child in names.items()]


def _cut_file(path: Path, history: list[Change], own: random.Random, how: Survival) -> bool:
    lost = [
        one
        for one in history
        if one.kind in (WRITE, TRUNCATE)
        and not one.is_durable
        and (one.is_doomed or how is not Survival.EVERYTHING)
    ]
    if not lost:
        return False
    mode = path.stat().st_mode
    path.chmod(0o600)
    with path.open("r+b") as file:
        final = file.read()
        _take_back(file.fileno(), history, {id(one) for one in lost})
        if how is Survival.SOME:
            size = os.fstat(file.fileno()).st_size
            # The size may have reached the disk without the bytes, and the bytes without the size.
            if len(final) > size and own.random() < 0.5:
                size = own.randint(size, len(final))
                os.ftruncate(file.fileno(), size)
            for change in lost:
                if change.kind != WRITE or change.is_doomed:
                    continue
                for start in range(change.a - change.a % SECTOR, change.a + change.b, SECTOR):
                    first = max(start, change.a)
                    last = min(start + SECTOR, change.a + change.b, size, len(final))
                    if first < last and own.random() < 0.5:
                        os.pwrite(file.fileno(), final[first:last], first)
    path.chmod(mode)
    return True


def _take_back(file: int, history: list[Change], lost: set[int]) -> None:
    settled = Ranges()
    size: int | None = None  # the size after the last change that stays
    for change in reversed(history):
        if change.kind not in (WRITE, TRUNCATE):
            continue
        if change.kind == WRITE:
            start, end = change.a, change.a + change.b
        else:
            start, end = change.a, max(change.c, change.a)
        if id(change) not in lost:
            settled.add(start, end)
            after = max(change.c, end) if change.kind == WRITE else change.a
            if size is None and after != change.c:
                size = after
            continue
        if size is None:
            os.ftruncate(file, change.c)
        for first, last in settled.outside(start, min(end, start + len(change.data))):
            os.pwrite(file, change.data[first - start : last - start], first)
    if size is not None:
        os.ftruncate(file, max(size, 0))

"""What a power cut leaves: of each file and each directory what was synced, and of the rest as much or as
little as chance will have it."""

from __future__ import annotations

import os
import random
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
class Named:
    """What a name in a directory stands for after a power cut; the child None is nothing."""

    directory: int
    name: str
    child: int | None
    sequence: int = 0
    """Of the change that made it so; 0 where it was so before."""
    lost: int | None = None
    """What it stood for until that change."""


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
        changes: list[Named] = []
        for inode in directories:
            how = survival or own.choice(list(Survival))
            changes += _names_after(self.of[inode], own, how)
        self._settle_moves(changes)
        moved = self._change_names(changes, graves, under)
        counts["names"] += moved
        for shared in under.rglob("*-shm"):
            shared.unlink()  # memory, made anew by who opens the file first
        return ", ".join(f"{count} {what}" for what, count in counts.items() if count) or "nothing"

    def _settle_moves(self, changes: list[Named]) -> None:
        """A directory has one name: moving it is one change, however many directories it is written in."""
        claims: dict[int, list[Named]] = defaultdict(list)
        losses: dict[int, list[Named]] = defaultdict(list)
        for one in changes:
            if one.child in self.directories:
                claims[one.child].append(one)
            elif one.child is None and one.lost in self.directories:
                losses[one.lost].append(one)
        for child in self.directories:
            named = sorted(claims[child], key=lambda one: one.sequence)
            for other in named[:-1]:
                other.child = None
            if named or not losses[child]:
                continue
            last = max(losses[child], key=lambda one: one.sequence)
            moves = [
                one
                for history in self.of.values()
                for one in history
                if one.kind == ADD and one.a == child and one.sequence > last.sequence
            ]
            if moves:  # it left its place for this one, whatever became of it later
                to = min(moves, key=lambda one: one.sequence)
                changes[:] = [
                    one for one in changes if (one.directory, one.name) != (to.inode, to.name)
                ]
                changes.append(Named(to.inode, to.name, child, to.sequence))

    def _change_names(self, changes: list[Named], graves: Path, under: Path) -> int:
        """Directories come to their places first, then files, and then what has no name goes."""

        def order(one: Named) -> int:
            return 2 if one.child is None else 0 if one.child in self.directories else 1

        paths = _by_inode(graves) | _by_inode(under)
        moved = 0
        for one in sorted(changes, key=order):
            directory = paths.get(one.directory)
            if directory is None or not directory.is_dir():
                continue  # it is gone itself
            path = directory / one.name
            there = path.lstat().st_ino if os.path.lexists(path) else None
            if there == one.child:
                continue
            moved += 1
            if there is not None:
                # Its content may come back under another name yet.
                path.rename(graves / f"cut-{there}-{os.urandom(4).hex()}")
            if one.child is None:
                continue
            if there is not None:
                paths = _by_inode(graves) | _by_inode(under)
            source = paths.get(one.child)
            assert source is not None, f"{path}: nothing is left of it"
            if source.is_dir():
                source.rename(path)
                paths = _by_inode(graves) | _by_inode(under)
            else:
                os.link(source, path)
        return moved


def _by_inode(place: Path) -> dict[int, Path]:
    found = {place.lstat().st_ino: place}
    for path in place.rglob("*"):
        try:
            found[path.lstat().st_ino] = path
        except FileNotFoundError:
            continue
    return found


def _names_after(history: list[Change], own: random.Random, how: Survival) -> list[Named]:
    """What each name of a directory that changed stands for afterwards."""
    pending = [
        one for one in history if one.kind in (ADD, REMOVE) and not one.is_durable and not one.is_doomed
    ]  # fmt: skip
    # A directory's changes reach the disk in their order.
    kept = {Survival.NOTHING: 0, Survival.EVERYTHING: len(pending)}.get(
        how, own.randint(0, len(pending))
    )
    survivors = {id(one) for one in pending[:kept]}
    names: dict[str, Named] = {}
    for change in history:
        if change.kind not in (ADD, REMOVE):
            continue
        if change.name not in names:
            before = None if change.kind == ADD else change.a
            names[change.name] = Named(history[0].inode, change.name, before)
        if change.is_durable or id(change) in survivors:
            is_there = change.kind == ADD
            names[change.name] = Named(
                history[0].inode, change.name, change.a if is_there else None, change.sequence,
                None if is_there else change.a,
            )  # fmt: skip
    return list(names.values())


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

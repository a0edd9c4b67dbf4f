"""What was tried and what was acknowledged, kept outside the server."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import pandas as pd


@dataclass
class Upkeep:
    """One act of the thread that takes things back, until it is acknowledged."""

    kind: str
    number: int = 0
    key: str = ""


@dataclass
class Ledger:
    lock: threading.Lock = field(default_factory=threading.Lock)
    number: int = 0
    pushes: dict[int, str] = field(default_factory=dict)
    pushed: set[int] = field(default_factory=set)
    imports: list[int] = field(default_factory=list)
    imported: set[int] = field(default_factory=set)
    views: list[str] = field(default_factory=list)
    applied: set[str] = field(default_factory=set)
    sets: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, int] = field(default_factory=dict)
    """Bytes of each digest."""
    versions: dict[int, str] = field(default_factory=dict)
    promoted: int = 0
    promotes: set[int] = field(default_factory=set)
    alias: int = 0
    aliases: set[int] = field(default_factory=set)
    loaded: dict[int, str] = field(default_factory=dict)
    """The id of each import of the view that things are taken back from."""
    alive: dict[int, set[str]] = field(default_factory=dict)
    """The keys that each of them still has."""
    pending: Upkeep | None = None
    backups: dict[str, int] = field(default_factory=dict)
    """How many rows had been acknowledged before each of them."""
    refused: dict[str, int] = field(default_factory=dict)
    failures: list[BaseException] = field(default_factory=list)

    def next(self, count: int = 1) -> int:
        with self.lock:
            self.number += count
            return self.number - count

    def note_refusal(self, error: BaseException) -> None:
        with self.lock:
            name = type(error).__name__
            self.refused[name] = self.refused.get(name, 0) + 1

    def counts(self) -> dict[str, int]:
        """What was acknowledged."""
        return {
            "rows pushed": len(self.pushed),
            "imports": len(self.imported) + len(self.loaded),
            "training sets": len(self.sets),
            "artifacts": len(self.artifacts),
            "versions": len(self.versions),
            "definitions": len(self.applied),
            "backups": len(self.backups),
        }


def newest_of(rows: pd.DataFrame, column: str, missing_is_recorded: bool) -> Any:
    """The newest row by event time, created time, position."""
    if not len(rows):
        return None
    least = pd.Timestamp.min.tz_localize("UTC")
    missing = rows["@recorded_time"] if missing_is_recorded else least
    orders = zip(
        rows["@event_time"],
        rows["@created_time"].where(rows["@created_time"].notna(), missing),
        rows["@log_entry"],
        rows["@log_row"],
    )
    place, _ = max(enumerate(orders), key=lambda one: one[1])
    return rows[column].iloc[place]

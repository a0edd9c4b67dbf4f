"""What looking after history answers, as plain records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_UNITS = {
    "d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1,
}  # fmt: skip


def span_text(span: timedelta) -> str:
    """``90d``, ``1d12h``: as definitions write it."""
    rest = span // timedelta(microseconds=1)
    text = ""
    for unit, size in _UNITS.items():
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


@dataclass(frozen=True)
class Compaction:
    """What compacting did to one view; ``rows_retired`` are those that its retention rule took.

    ``training_sets`` used rows taken out, and answer incomplete from then on.
    """

    view: str
    segments_before: int
    segments_after: int
    rows: int
    rows_retired: int
    training_sets: list[str]

    @staticmethod
    def of(message: Any) -> Compaction:
        return Compaction(
            message.view, message.segments_before, message.segments_after, message.rows,
            message.rows_retired, list(message.training_sets),
        )  # fmt: skip


@dataclass(frozen=True)
class Garbage:
    """What was collected, or would be: artifacts that no record refers to, unfinished uploads, and
    chunks that nothing is made of any more; ``digests`` are the first thousand artifacts.
    """

    artifacts: int
    uploads: int
    chunks: int
    bytes: int
    digests: list[str]

    @staticmethod
    def of(message: Any) -> Garbage:
        return Garbage(
            message.artifacts, message.uploads, message.chunks, message.bytes,
            [artifact.digest for artifact in message.first],
        )  # fmt: skip


@dataclass(frozen=True)
class Verification:
    """What was checked, and the first hundred problems; true where there is none."""

    problem_count: int
    problems: list[str]
    segments: int
    history_rows: int
    blocks: int
    online_rows: int
    artifacts: int
    training_sets: int
    #: Of the prediction log: vectors, predictions and outcomes.
    served_segments: int
    served_rows: int
    served_blocks: int

    @staticmethod
    def of(message: Any) -> Verification:
        return Verification(
            message.problem_count, list(message.problems), message.segments, message.history_rows,
            message.blocks, message.online_rows, message.artifacts, message.training_sets,
            message.served_segments, message.served_rows, message.served_blocks,
        )  # fmt: skip

    def __bool__(self) -> bool:
        return self.problem_count == 0

    def __str__(self) -> str:
        checked = (
            f"{self.history_rows:,} rows of history in {self.segments:,} segments, "
            f"{self.online_rows:,} rows online, {self.served_rows:,} of the prediction log, "
            f"{self.artifacts:,} artifacts, "
            f"{self.training_sets:,} training sets"
        )
        if self:
            return f"nothing wrong in {checked}"
        more = [f"… and {left:,} more"] if (left := self.problem_count - len(self.problems)) else []
        return "\n".join([f"{self.problem_count:,} problems in {checked}", *self.problems, *more])


@dataclass(frozen=True)
class Retraction:
    """What a retraction hid: from ``log_entry`` on (0 in a dry run).

    ``training_sets`` were made from positions that see the rows, and stay as they are.
    """

    log_entry: int
    rows: int
    rows_restored: int
    training_sets: list[str]

    @staticmethod
    def of(message: Any) -> Retraction:
        return Retraction(
            message.log_entry, message.rows, message.rows_restored, list(message.training_sets)
        )


@dataclass(frozen=True)
class ForgottenView:
    """How many rows of a view were forgotten."""

    view: str
    history_rows: int
    staged_rows: int
    online_rows: int


@dataclass(frozen=True)
class Forgotten:
    """What was deleted: by view, and in kept spines. ``log_entry`` is 0 in a dry run."""

    log_entry: int
    views: list[ForgottenView]
    spine_rows: int
    training_sets: list[str]
    #: Sentences: where copies may be that the server does not reach.
    out_of_reach: list[str]
    #: Vectors of prediction logs, which went with their predictions and outcomes.
    served_vectors: int = 0

    @staticmethod
    def of(message: Any) -> Forgotten:
        views = [
            ForgottenView(v.view, v.history_rows, v.staged_rows, v.online_rows)
            for v in message.views
        ]
        return Forgotten(
            message.log_entry, views, message.spine_rows, list(message.training_sets),
            list(message.out_of_reach), message.served_vectors,
        )  # fmt: skip


@dataclass(frozen=True)
class ExplainedPart:
    """One view of a service for one row of a spine: its candidates, the one taken among them.

    ``status`` is matched, nullKey, notFound or expired; ``rows`` has the columns of ``history``
    with ``@verdict``.
    """

    label: str
    view: str
    status: str
    lookback: timedelta | None
    rows: pd.DataFrame = field(compare=False)

    def __str__(self) -> str:
        looks = "" if self.lookback is None else f", looking back {span_text(self.lookback)}"
        head = f"{self.label}: {self.status}{looks}"
        return f"{head}\n{self.rows.to_string(index=False)}" if len(self.rows) else head


@dataclass(frozen=True)
class Explanation:
    """Which rows one row of a spine gets; every row up to ``log_entry`` was seen."""

    service: str
    log_entry: int
    parts: list[ExplainedPart]

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.parts))

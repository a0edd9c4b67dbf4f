"""Pushing rows: durable and served when it returns, with a status for every row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ._batch import encode_batch, split_rows
from ._columns import to_table
from ._definitions import Definitions
from ._frames import Op
from ._proto import features_pb2
from ._rows import encode_rows, layout_of, wanted_types
from ._session import Session
from ._types import MAX_BATCH_ROWS, MAX_FRAME_BYTES, to_proto
from .errors import AlulaError, InvalidArgument, NotFound
from .records import Problem

_STATUSES = np.array(["accepted", "older", "inFuture", "invalid"])
_INVALID = 3


@dataclass(frozen=True)
class Pushed:
    """A status for every row: accepted, older (kept in history only), inFuture or invalid
    (refused).
    """

    statuses: npt.NDArray[np.str_]
    log_entry: int
    problems: list[Problem] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """Rows that are now in history: accepted and older."""
        return int(np.isin(self.statuses, ("accepted", "older")).sum())

    @property
    def refused(self) -> int:
        """Rows that were not taken."""
        return len(self.statuses) - self.accepted

    def __len__(self) -> int:
        return len(self.statuses)

    def raise_for_problems(self) -> None:
        """Raises InvalidArgument where a row was refused, with the reasons."""
        if self.refused:
            reasons = [str(problem) for problem in self.problems]
            raise InvalidArgument(f"{self.refused} of {len(self)} rows were refused", "", reasons)


def push(
    session: Session, definitions: Definitions, view_name: str, rows: Any, timeout: float | None
) -> Pushed:
    """Sends rows in as few writes as their size allows; each is one synced batch."""
    try:
        return _push(session, definitions, view_name, rows, timeout)
    except (InvalidArgument, NotFound) as error:
        before = definitions.view(view_name)
        try:
            newer = definitions.view(view_name, fresh=True)
        except AlulaError:
            raise error from None
        if newer == before:
            raise
        return _push(session, definitions, view_name, rows, timeout)


def _push(
    session: Session,
    definitions: Definitions,
    view_name: str,
    rows: Any,
    timeout: float | None,
) -> Pushed:
    view = definitions.view(view_name)
    if hasattr(rows, "keys") and not hasattr(rows, "columns"):
        rows = _columns_of(rows)
    table = to_table(rows, wanted_types(view))
    if not table.column_names and isinstance(rows, Sequence):
        return Pushed(_STATUSES[:0], 0)  # a list of no rows: there is nothing to know columns by
    layout = layout_of(view, table.column_names, whole=False)
    schema = to_proto(layout.schema)
    limit = MAX_FRAME_BYTES - schema.ByteSize() - 1_024
    codes = np.full(table.num_rows, _INVALID, "u1")
    problems: list[Problem] = []
    entry = 0
    for first in range(0, table.num_rows, MAX_BATCH_ROWS):
        part = table.slice(first, MAX_BATCH_ROWS)
        batch, numbers = encode_rows(part, layout, False, first, problems.append)
        cuts = split_rows(batch, limit, first)
        for start, stop in zip(cuts, cuts[1:]):
            piece = batch.slice(start, stop)
            answer, _ = session.call(
                Op.PUSH,
                features_pb2.PushRequest(view=view.name, schema=schema),
                features_pb2.PushResponse,
                encode_batch(piece.columns, piece.rows),
                write=True,
                timeout=timeout,
            )
            codes[numbers[start:stop]] = np.frombuffer(answer.statuses, "u1")
            problems += [Problem(int(numbers[start + p.row]), p.reason) for p in answer.problems]
            entry = answer.log_entry or entry
    problems.sort(key=lambda problem: problem.row)
    return Pushed(_STATUSES[codes], entry, problems)


def _columns_of(row: Any) -> Any:
    """One row given as a dict of single values, as a dict of columns."""
    if any(
        isinstance(value, (str, bytes)) or not hasattr(value, "__len__") for value in row.values()
    ):
        return {name: [value] for name, value in row.items()}
    return row

"""What comes of one read: rows may meet several versions of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._frames import Bytes
from ._line import Reply
from ._pieces import Plan, rows_of
from ._proto import features_pb2
from .answer import Answer, Mark, SplitAnswer
from .errors import DataLoss

if TYPE_CHECKING:
    from ._reading import Reader


def whole(reader: Reader, reply: Reply, rows: int) -> tuple[Answer, Plan] | None:
    """The answer where one version gave it in one piece, which is the commonest; else None."""
    control, data, items = reply
    if items:
        return None
    plan, version = reader.plan_of(control)
    marks = marks_of(reply) if reader.wanted.log else ()
    return Answer(plan, [data], rows, version, marks), plan


class Part:
    """What one version has answered so far, and for which rows of the request."""

    __slots__ = ("plan", "version", "pieces", "marks", "numbers", "rows")

    def __init__(self, plan: Plan, version: int) -> None:
        self.plan, self.version = plan, version
        self.pieces: list[Bytes] = []
        self.marks: list[Mark] = []
        self.numbers: list[npt.NDArray[np.int64]] = []
        self.rows = 0

    def answer(self, numbers: npt.NDArray[np.int64] | None = None) -> Answer:
        """Of all its rows; ``numbers``: which of the request those are, where not all."""
        return Answer(self.plan, self.pieces, self.rows, self.version, self.marks, numbers)


class Taking:
    """Takes the replies to one read, whose rows may meet several versions."""

    def __init__(self, reader: Reader, may_pin: bool = False) -> None:
        #: For the next request.
        self.reader = reader
        self._may_pin = may_pin
        self._is_logged = reader.wanted.log
        self._parts: dict[tuple[bool, int], Part] = {}
        self._rows = 0
        self._is_numbered = False

    @property
    def is_empty(self) -> bool:
        return not self._parts

    @property
    def plan(self) -> Plan:
        """One of those that answered."""
        return next(iter(self._parts.values())).plan

    def take(self, reply: Reply) -> None:
        """The reply to one request, for the rows behind those of the one before."""
        control, data, items = reply
        reader = self.reader
        before = self._rows
        if items and reader.wanted.stage:
            first = features_pb2.ReadResponse.FromString(bytes(items[0][0]))
            if first.row_numbers:
                for head, piece in items:
                    self.add(features_pb2.ReadResponse.FromString(bytes(head)), piece, before)
                return
        plan, version = reader.plan_of(items[0][0] if items else control)
        part = self._part(plan, version, False)
        pieces = [piece for _, piece in items] if items else [data]
        rows = sum(rows_of(piece) for piece in pieces)
        part.pieces += pieces
        part.rows += rows
        part.numbers.append(np.arange(before, before + rows))
        self._rows += rows
        if self._is_logged:
            part.marks += marks_of(reply)
        if self._may_pin:
            head = features_pb2.ReadResponse.FromString(bytes(items[0][0] if items else control))
            if not head.shared:
                self.reader = reader.pinned(plan, version)
            self._may_pin = False

    def add(self, message: Any, data: Bytes, before: int = 0) -> None:
        """One item of several versions' answers; its rows are numbered from ``before``."""
        part = self._part(self.reader.plan_named(message), int(message.model_version),
                          message.shadow)  # fmt: skip
        numbers = np.array(message.row_numbers, np.int64) + before
        if len(numbers) != rows_of(data):
            raise DataLoss("an answer has another number of rows than row numbers")
        part.pieces.append(data)
        part.numbers.append(numbers)
        part.rows += len(numbers)
        if self._is_logged:
            part.marks.append((message.prediction_time, message.logged, len(numbers)))
        if not message.shadow:
            self._rows += len(numbers)
        self._may_pin = False
        self._is_numbered = True

    def answer(self, rows: int) -> Answer:
        """That of all replies together."""
        parts = [part for (is_shadow, _), part in self._parts.items() if not is_shadow]
        shadows = [part for (is_shadow, _), part in self._parts.items() if is_shadow]
        if len(parts) == 1 and not self._is_numbered:
            answer = Answer(parts[0].plan, parts[0].pieces, rows, parts[0].version, parts[0].marks)
        else:
            answer = joined(parts, rows)
        if shadows:
            answer.shadow = joined(shadows, rows)
        return answer

    def _part(self, plan: Plan, version: int, is_shadow: bool) -> Part:
        part = self._parts.get((is_shadow, version))
        if part is None:
            part = self._parts[is_shadow, version] = Part(plan, version)
        return part


def joined(parts: Sequence[Part], rows: int) -> Answer:
    """The answer of one version where all rows met it, else of several."""
    numbers = [np.concatenate(part.numbers) for part in parts]
    seen = np.zeros(rows, np.int64)
    for some in numbers:
        if len(some) and (some.min() < 0 or some.max() >= rows):
            raise DataLoss("an answer has rows that were not asked for")
        np.add.at(seen, some, 1)
    if (seen != 1).any():
        raise DataLoss(f"an answer has not each of the {rows} rows asked for once")
    if len(parts) == 1 and (numbers[0] == np.arange(rows)).all():
        return parts[0].answer()
    return SplitAnswer([part.answer(some) for part, some in zip(parts, numbers)], rows)


def marks_of(reply: Reply) -> list[Mark]:
    """What makes the prediction ids of a reply: for each piece its time, logged bits and rows."""
    control, data, items = reply
    marks = []
    for head, piece in items or [(control, data)]:
        message = features_pb2.ReadResponse.FromString(bytes(head))
        marks.append((message.prediction_time, message.logged, rows_of(piece)))
    return marks

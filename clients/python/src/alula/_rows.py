"""Rows of a view: their columns found in a source, checked, and brought to the view's types."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ._arrow import plain
from ._batch import Batch, Column
from ._definitions import near
from ._encode import BadValues, encode_array
from ._types import Field, Scalar, Schema, ValueType
from .errors import InvalidArgument, counted, listed
from .records import Problem, View

EVENT, CREATED = "@event_time", "@created_time"
_TIME = ValueType(Scalar.TIMESTAMP)
_MOST_AHEAD_US = 60_000_000

TimeUnit = Literal["s", "ms", "us", "ns"]


@dataclass(frozen=True)
class Layout:
    """For each column of the batch, the column of the source that holds it."""

    view: View
    schema: Schema
    sources: list[str]
    allow_future: bool = True
    #: In which unit integers in columns of times count since 1970; None: they are refused.
    time_unit: TimeUnit | None = None
    #: Event times beyond it lie in the future, in microseconds since 1970; None: by the clock.
    latest_us: int | None = None

    def at(self, now_us: int) -> Layout:
        """This one, with the future beginning a little behind ``now_us``."""
        return replace(self, latest_us=now_us + _MOST_AHEAD_US)

    @property
    def types(self) -> dict[str, ValueType]:
        """Types by the source's names."""
        return {source: field.type for source, field in zip(self.sources, self.schema)}


def wanted_types(view: View) -> dict[str, ValueType]:
    """The types that columns of these names should have."""
    times = [
        EVENT,
        CREATED,
        "event_time",
        "created_time",
        view.event_time_column,
        view.created_time_column,
    ]
    types = {name: _TIME for name in times if name}
    types.update({field.name: field.type for field in (*view.keys, *view.features)})
    return types


def layout_of(
    view: View,
    columns: Sequence[str],
    whole: bool,
    allow_future: bool = True,
    time_unit: TimeUnit | None = None,
) -> Layout:
    """Finds a view's columns among a source's.

    ``whole`` is for files: every feature has to be there, and columns the view does not know are
    passed over. Otherwise (a push) features may be left out, and unknown columns are refused.
    """
    have = set(columns)
    event = next((n for n in (view.event_time_column, EVENT, "event_time") if n in have), None)
    named = view.created_time_column
    created = next((n for n in (named, CREATED, "created_time") if n and n in have), None)
    features = {feature.name for feature in view.features}
    if created in features or created in {key.name for key in view.keys}:
        created = None
    missing = [str(key) for key in view.keys if key.name not in have]
    if event is None:
        missing.append(f"{view.event_time_column}: timestamp (event time)")
    if whole:
        missing += [str(feature) for feature in view.features if feature.name not in have]
        if named and created is None:
            missing.append(f"{named}: timestamp (created time)")
    if missing:
        raise InvalidArgument(
            f"view {view.name} lacks {counted(len(missing), 'column')}",
            "found are: " + listed(columns) if columns else "the source has no columns",
            missing,
        )
    taken = [key for key in view.keys] + [f for f in view.features if f.name in have]
    fields, sources = list(taken), [field.name for field in taken]
    assert event is not None
    fields.append(Field(EVENT, _TIME))
    sources.append(event)
    if created is not None:
        fields.append(Field(CREATED, _TIME))
        sources.append(created)
    if not whole:
        for name in columns:
            if name not in sources and name not in (EVENT, "event_time"):
                known = [*features, *(key.name for key in view.keys)]
                raise InvalidArgument(f'view {view.name} has no column "{name}"{near(name, known)}')
    return Layout(view, tuple(fields), sources, allow_future, time_unit)


def encode_rows(
    table: pa.Table,
    layout: Layout,
    is_text: bool,
    first_row: int,
    on_problem: Callable[[Problem], None] | None,
) -> tuple[Batch, npt.NDArray[np.int64]]:
    """The rows as a batch of the view, and their numbers in the source.

    A row that cannot be taken raises InvalidArgument with its column and number; with
    ``on_problem`` it is left out and told.
    """
    numbers = np.arange(first_row, first_row + table.num_rows)
    while True:
        try:
            return Batch(layout.schema, _columns(table, layout, is_text), table.num_rows), numbers
        except BadValues as bad:
            if on_problem is None:
                raise bad.error(first_row) from None
            for row in bad.rows:
                on_problem(Problem(int(numbers[row]), f'column "{bad.column}": {bad.reason}'))
            keep = np.ones(table.num_rows, np.bool_)
            keep[bad.rows] = False
            table, numbers = table.filter(pa.array(keep)), numbers[keep]


def _counted_times(array: pa.Array, unit: TimeUnit) -> pa.Array:
    """Integers, also as text, as times; anything else as it is."""
    kind = array.type
    try:
        if pa.types.is_binary(kind) or pa.types.is_string(kind):
            return array.cast(pa.string()).cast(pa.int64()).view(pa.timestamp(unit))
        if pa.types.is_integer(kind):
            return array.cast(pa.int64()).view(pa.timestamp(unit))
    except pa.ArrowInvalid:
        pass  # what is wrong is said of the values as they are
    return array


def _columns(table: pa.Table, layout: Layout, is_text: bool) -> list[Column]:
    columns = []
    keys = len(layout.view.keys)
    for place, (field, source) in enumerate(zip(layout.schema, layout.sources)):
        shown = Field(source, field.type)
        array = plain(table.column(source))
        if layout.time_unit is not None and field.type == _TIME:
            array = _counted_times(array, layout.time_unit)
        is_read = is_text and not pa.types.is_timestamp(array.type)
        column = encode_array(array, shown, "up", is_text=is_read)
        if column.validity is not None and (place < keys or field.name == EVENT):
            what = "a key" if place < keys else "the event time"
            nulls = np.flatnonzero(~column.is_valid())
            raise BadValues(source, nulls, f"{what} is null: expected {field.type}")
        if field.name == EVENT and not layout.allow_future:
            latest = layout.latest_us
            if latest is None:
                latest = time.time_ns() // 1000 + _MOST_AHEAD_US
            ahead = column.values > latest
            if bool(ahead.any()):
                reason = "the event time lies in the future (allow_future=True keeps such rows)"
                raise BadValues(source, np.flatnonzero(ahead), reason)
        columns.append(column)
    return columns

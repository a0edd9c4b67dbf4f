"""Online reads: the hot path of model servers. Lists and arrays go to the wire without Arrow."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ._batch import Batch, Column, assemble, encode_batch, split_rows
from ._columns import to_array
from ._definitions import Definitions, near
from ._encode import BadValues, encode_array
from ._frames import Bytes, Op
from ._proto import features_pb2
from ._session import Session
from ._types import MAX_BATCH_ROWS, Field, Scalar, Schema, to_proto
from .answer import Answer, Plan
from .errors import InternalError, InvalidArgument, NotFound
from .records import Service

_PIECE_BYTES = 768 << 10


class _Reader:
    """What is known of one service: its inputs, and the plan of its last answer."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.fields: Schema = service.key_columns + service.request_fields
        self.keys = len(service.key_columns)
        self.names = frozenset(field.name for field in self.fields)
        self.plan: Plan | None = None
        self.controls: dict[tuple[str, int, float], bytes] = {}


class Reading:
    """Reads of all services of a store."""

    def __init__(self, session: Session, definitions: Definitions) -> None:
        self._session = session
        self._definitions = definitions
        self._readers: dict[str, _Reader] = {}

    def forget(self) -> None:
        self._readers = {}

    def read(
        self,
        service: str,
        keys: Mapping[str, Any],
        request: Mapping[str, Any] | None,
        timeout: float | None,
    ) -> Answer:
        """The vector of the service for each row of the keys."""
        reader = self._readers.get(service)
        known = reader is not None
        if reader is None:
            reader = self._readers[service] = _Reader(self._definitions.service(service))
        try:
            return self._read(service, reader, keys, request, timeout)
        except (InvalidArgument, NotFound):
            # What is known may be of an older definition: look once, and only then believe it.
            if not known:
                raise
            newer = _Reader(self._definitions.service(service, fresh=True))
            if newer.service == reader.service:
                raise
            self._readers[service] = newer
            return self._read(service, newer, keys, request, timeout)

    def _read(
        self,
        service: str,
        reader: _Reader,
        keys: Mapping[str, Any],
        request: Mapping[str, Any] | None,
        timeout: float | None,
    ) -> Answer:
        values = _inputs(reader, keys, request)
        rows = _row_count(values)
        data = _encode_quickly(reader, values, rows) if rows <= MAX_BATCH_ROWS else None
        if data is not None and len(data) <= _PIECE_BYTES:
            return Answer(*self._call(service, reader, data, timeout), rows)
        return self._read_in_pieces(service, reader, _encode(reader, values, rows), timeout)

    def _read_in_pieces(
        self, service: str, reader: _Reader, batch: Batch, timeout: float | None
    ) -> Answer:
        """As many calls as the requests need; all are of one version."""
        pieces: list[Bytes] = []
        plan: Plan | None = None
        cuts = split_rows(batch, _PIECE_BYTES)
        for start, stop in zip(cuts, cuts[1:] or [0]):
            piece = batch.slice(start, stop)
            data = encode_batch(piece.columns, piece.rows)
            newest, answers = self._call(service, reader, data, timeout)
            if plan is not None and newest.service != plan.service:
                # A new version was published between two pieces.
                return self._read_in_pieces(newest.service, reader, batch, timeout)
            plan = newest
            pieces += answers
        assert plan is not None
        return Answer(plan, pieces, batch.rows)

    def _call(
        self, service: str, reader: _Reader, data: bytes, timeout: float | None
    ) -> tuple[Plan, list[Bytes]]:
        transport = self._session.transport
        seconds = transport.timeout if timeout is None else timeout
        plan = reader.plan
        key = (service, 0 if plan is None else plan.number, seconds)
        control = reader.controls.get(key)
        if control is None:
            message = features_pb2.ReadRequest(
                service=service, schema=to_proto(reader.fields), known_plan=key[1]
            )
            control = self._session.prepare(message, False, seconds)
            if len(reader.controls) > 16:
                reader.controls.clear()
            reader.controls[key] = control
        answer, rows, items = transport.unary(Op.READ, control, data, seconds)
        # A large answer comes in items, the first of which names the plan.
        response = features_pb2.ReadResponse.FromString(bytes(items[0][0] if items else answer))
        if plan is None or response.plan != plan.number:
            if not response.HasField("schema"):
                raise InternalError("the server left out the schema of a plan that was not known")
            plan = reader.plan = Plan(response)
            reader.controls.clear()
        return plan, [piece for _, piece in items] if items else [rows]


def _inputs(
    reader: _Reader, keys: Mapping[str, Any], request: Mapping[str, Any] | None
) -> list[Any]:
    """The values of every input in order; raises InvalidArgument for what lacks or is unknown."""
    given = dict(keys) if request is None else {**keys, **request}
    if given.keys() == reader.names:
        return [given[field.name] for field in reader.fields]
    reference = reader.service.reference
    missing = [str(field) for field in reader.fields if field.name not in given]
    if missing:
        raise InvalidArgument(
            f"service {reference} needs {len(missing)} more inputs",
            "give a value for each row",
            missing,
        )
    name = next(name for name in given if name not in reader.names)
    raise InvalidArgument(
        f'service {reference} takes no "{name}"{near(name, reader.names)}',
        details=[f"expected {field}" for field in reader.fields],
    )


def _row_count(values: list[Any]) -> int:
    """Rows asked for; single values stand for every row, and for one row where all are single."""
    rows = -1
    for value in values:
        if _is_single(value):
            continue
        count = len(value)
        if rows >= 0 and count != rows:
            raise InvalidArgument(f"inputs differ in length: {rows} rows and {count} rows")
        rows = count
    rows = 1 if rows < 0 else rows
    for place, value in enumerate(values):
        if _is_single(value):
            values[place] = [value] * rows
    return rows


def _is_single(value: Any) -> bool:
    return isinstance(value, (str, bytes)) or not hasattr(value, "__len__")


def _encode_quickly(reader: _Reader, values: list[Any], rows: int) -> bytes | None:
    """The batch, where every input is a plain list or array of the right type without nulls."""
    columns: list[Sequence[Bytes]] = []
    for field, value in zip(reader.fields, values):
        buffers = _quick(field, value, rows)
        if buffers is None:
            return None
        columns.append(buffers)
    return assemble(columns, [False] * len(columns), rows)


_FORMATS = {
    Scalar.INT64: ("q", "<i8"),
    Scalar.INT32: ("i", "<i4"),
    Scalar.FLOAT64: ("d", "<f8"),
    Scalar.FLOAT32: ("f", "<f4"),
}


def _quick(field: Field, value: Any, rows: int) -> Sequence[Bytes] | None:
    type = field.type
    if type.is_list:
        return None
    codes = _FORMATS.get(type.scalar)
    if codes is not None:
        if isinstance(value, np.ndarray):
            if value.dtype == codes[1] and value.ndim == 1:
                return [value.tobytes()]
        elif isinstance(value, (list, tuple)):
            try:
                return [struct.pack(f"<{rows}{codes[0]}", *value)]
            except (struct.error, OverflowError):
                return None
    elif type.scalar is Scalar.STRING and isinstance(value, (list, tuple)):
        try:
            text = "".join(value)
        except TypeError:
            return None
        if text.isascii():
            ends = itertools.accumulate(map(len, value), initial=0)
            return [struct.pack(f"<{rows + 1}i", *ends), text.encode()]
    return None


def _encode(reader: _Reader, values: list[Any], rows: int) -> Batch:
    """The batch of any values; raises InvalidArgument naming column and row."""
    columns: list[Column] = []
    for place, (field, value) in enumerate(zip(reader.fields, values)):
        try:
            is_key = place < reader.keys
            column = encode_array(to_array(field.name, value, field.type), field, "down", is_key)
            if is_key and column.validity is not None:
                nulls = np.flatnonzero(~column.is_valid())
                raise BadValues(field.name, nulls, "a key is null: expected " + str(field.type))
        except BadValues as bad:
            raise bad.error() from None
        columns.append(column)
    return Batch(reader.fields, columns, rows)

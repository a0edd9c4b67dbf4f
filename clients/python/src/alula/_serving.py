"""Predictions and outcomes on their way to the log, and the log on its way back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from ._arrow import arrow_schema, infer_type, to_record_batch
from ._batch import Batch, Column, decode_batch, encode_batch, split_rows
from ._columns import to_array
from ._encode import BadValues, encode_array
from ._frames import Op
from ._inputs import PIECE_BYTES
from ._proto import served_pb2
from ._session import Session
from ._spine import microseconds
from ._types import Field, Scalar, Schema, ValueType, from_proto, to_proto
from .errors import InvalidArgument, Unavailable
from .served import LOGGED_STATUSES, Logged

ID_BYTES = 16
_TIME = ValueType(Scalar.TIMESTAMP)
_BYTES = ValueType(Scalar.BYTES)
_LARGEST = 1 << 32
_MOST_REASON_BYTES = 200


def ids_of(marks: Sequence[tuple[int, bytes, int]], version: int) -> list[str]:
    """The prediction ids of an answer: for each of its pieces time, logged bits, rows."""
    ids: list[str] = []
    for time, logged, rows in marks:
        bits = np.unpackbits(np.frombuffer(logged, "u1"), count=rows, bitorder="little")
        words = np.empty((rows, 4), ">u4")
        words[:, 0], words[:, 1] = time >> 32, time & (_LARGEST - 1)
        words[:, 2] = version
        words[:, 3] = np.arange(rows, dtype=np.uint32) | (bits.astype(np.uint32) << 31)
        text = words.tobytes().hex()
        ids += [text[at : at + 2 * ID_BYTES] for at in range(0, len(text), 2 * ID_BYTES)]
    return ids


def log_values(
    session: Session, operation: int, model: str, ids: Any, values: Any, times: Any
) -> Logged:
    """Sends predictions or outcomes, in as many calls as they need."""
    columns = [_ids(ids)]
    fields = [Field("id", _BYTES)]
    what = "outcomes" if operation == Op.LOG_OUTCOMES else "predictions"
    column, kind = _values(what, values)
    columns.append(column)
    fields.append(Field("value", kind))
    if times is not None:
        if not isinstance(times, (list, tuple, np.ndarray)) and not hasattr(times, "__array__"):
            times = [times] * columns[0].count
        columns.append(_encoded("times", to_array("times", times, _TIME), _TIME))
        fields.append(Field("time", _TIME))
    for field, column in zip(fields[1:], columns[1:]):
        if column.count != columns[0].count:
            name = "times" if field.name == "time" else what
            raise InvalidArgument(
                f"{columns[0].count} ids and {column.count} {name}: expected one for each id"
            )
    return _send(session, operation, model, Batch(tuple(fields), columns, columns[0].count))


def _send(session: Session, operation: int, model: str, batch: Batch) -> Logged:
    request = served_pb2.LogValuesRequest(model=model, schema=to_proto(batch.schema))
    statuses = b""
    cuts = split_rows(batch, PIECE_BYTES)
    for start, stop in zip(cuts, cuts[1:]):
        piece = batch.slice(start, stop)
        data = encode_batch(piece.columns, piece.rows)
        answer, _ = session.call(operation, request, served_pb2.LogValuesResponse, data, write=True)
        statuses += answer.statuses
    return Logged(LOGGED_STATUSES[np.frombuffer(statuses, "u1")])


def log_failures(session: Session, model: str, ids: Any, reasons: Any) -> Logged:
    """Sends why there are no predictions of these ids."""
    column = _ids(ids)
    if reasons is None or isinstance(reasons, (str, BaseException)):
        reasons = [reasons] * column.count
    given = list(reasons)
    if len(given) != column.count:
        raise InvalidArgument(
            f"{column.count} ids and {len(given)} reasons: expected one for each id, or one for all"
        )
    texts = pa.array([_reason(row, reason) for row, reason in enumerate(given)], pa.string())
    kind = ValueType(Scalar.STRING)
    fields = [Field("id", _BYTES), Field("failure", kind)]
    batch = Batch(tuple(fields), [column, _encoded("reasons", texts, kind)], column.count)
    return _send(session, Op.LOG_PREDICTIONS, model, batch)


def _reason(row: int, reason: Any) -> str:
    """Of an exception the name of its class: what it says may hold values of features."""
    if isinstance(reason, BaseException):
        return type(reason).__name__[:_MOST_REASON_BYTES]
    if reason is not None and not isinstance(reason, str):
        raise InvalidArgument(
            f"reason of row {row}: expected a text or an exception, found {type(reason).__name__}"
        )
    text = reason or ""
    if len(text.encode()) > _MOST_REASON_BYTES:
        raise InvalidArgument(
            f"reason of row {row}: expected {_MOST_REASON_BYTES} bytes at most, "
            f"found {len(text.encode())}"
        )
    return text


def _ids(ids: Any) -> Column:
    if isinstance(ids, (str, bytes)):
        ids = [ids]
    try:
        given = list(ids)
    except TypeError:
        raise InvalidArgument(
            f"prediction ids: expected a list of them, found {type(ids).__name__}"
        ) from None
    try:
        data = bytes.fromhex("".join(given))
        broken = len(data) != ID_BYTES * len(given) or any(len(i) != 2 * ID_BYTES for i in given)
    except (TypeError, ValueError):
        broken = True
    if broken:
        data = b"".join(_id(row, id) for row, id in enumerate(given))
    offsets = np.arange(len(given) + 1, dtype="<i4") * np.int32(ID_BYTES)
    return Column(_BYTES, len(given), None, offsets, None, np.frombuffer(data, "u1"))


def _id(row: int, id: Any) -> bytes:
    try:
        data = bytes(id) if isinstance(id, (bytes, bytearray)) else bytes.fromhex(str(id))
    except ValueError:
        data = b""
    if len(data) != ID_BYTES:
        raise InvalidArgument(
            f"prediction id of row {row}: expected 32 hexadecimal digits, as prediction_ids has"
        )
    return data


def _values(what: str, values: Any) -> tuple[Column, ValueType]:
    if isinstance(values, (bool, int, float, str)):
        values = [values]
    array = to_array(what, values)
    kind = infer_type(what, array.type)
    return _encoded(what, array, kind), kind


def _encoded(name: str, array: pa.Array, kind: ValueType) -> Column:
    try:
        return encode_array(array, Field(name, kind), "up")
    except BadValues as bad:
        raise InvalidArgument(f"{name}: {bad.reason}") from None


def span_of(request: Any, since: Any, until: Any, as_known: Any = None) -> Any:
    """Fills in the span of time of a request."""
    if since is not None:
        request.since_us = microseconds("since", since)
    if until is not None:
        request.until_us = microseconds("until", until)
    if as_known is not None:
        request.as_known_us = microseconds("as_known", as_known)
    return request


def scan(session: Session, request: Any) -> Iterator[pa.RecordBatch]:
    """Logged vectors as they come; leaving it cancels the call."""
    call, _ = session.begin(Op.SCAN_PREDICTIONS, request)
    fields: Schema = ()
    schema = arrow_schema(fields)
    rows = 0
    try:
        while (item := call.next_item()) is not None:
            message = served_pb2.ScanPredictionsItem.FromString(bytes(item[0]))
            if message.HasField("schema"):
                fields = from_proto(message.schema.fields)
                schema = arrow_schema(fields)
            batch = decode_batch(item[1], fields)[0]
            rows += batch.rows
            yield to_record_batch(batch, schema)
        done = served_pb2.ScanPredictionsResponse.FromString(bytes(call.result()[0]))
        if rows != done.rows:
            raise Unavailable(f"{rows} rows arrived where the server sent {done.rows}", retry=0)
    finally:
        call.close()


def table_of(batches: Iterator[pa.RecordBatch]) -> pa.Table:
    """All of a scan in one table, ids as text; where services differ, columns of one are null in
    the rows of another.
    """
    tables = [pa.Table.from_batches([_with_text_ids(batch)]) for batch in batches]
    return pa.concat_tables(tables, promote_options="default") if tables else pa.table({})


def _with_text_ids(batch: pa.RecordBatch) -> pa.RecordBatch:
    place = batch.schema.get_field_index("@prediction_id")
    texts = pa.array([id.hex() for id in batch.column(place).to_pylist()], pa.string())
    columns = list(batch.columns)
    columns[place] = texts
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)

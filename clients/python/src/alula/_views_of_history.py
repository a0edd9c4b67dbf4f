"""History as it is: of one entity, for one row of a spine, of a whole view."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pandas as pd
import pyarrow as pa

from ._arrow import arrow_schema, to_record_batch
from ._batch import Batch, decode_batch, encode_batch
from ._files import write_rows
from ._frames import Bytes, Op
from ._keys import key_columns
from ._proto import common_pb2, features_pb2, training_pb2
from ._session import Session
from ._spine import Spine, as_of_point, microseconds
from ._types import Schema, from_proto, to_proto
from .errors import InvalidArgument, Unavailable
from .records import Service, View
from .upkeep import ExplainedPart, Explanation


class _Rows:
    """Batches of one schema, which the first item or the response holds."""

    def __init__(self) -> None:
        self.schema: Schema = ()
        self.batches: list[Batch] = []

    def restart(self) -> Callable[[Bytes, Bytes], None]:
        self.schema, self.batches = (), []
        return self._take

    def _take(self, control: Bytes, data: Bytes) -> None:
        item = features_pb2.HistoryItem.FromString(bytes(control))
        if item.HasField("schema"):
            self.schema = from_proto(item.schema.fields)
        self.batches.append(decode_batch(data, self.schema)[0])


def history(
    session: Session, view: View, key: Mapping[str, Any], at: Any, as_of: Any
) -> pd.DataFrame:
    """Every row of one entity as a DataFrame."""
    columns = key_columns(f"view {view.name}", view.keys, key)
    request = features_pb2.HistoryRequest(
        view=view.name, schema=to_proto(view.keys), as_of=_as_of(as_of)
    )
    if at is not None:
        request.at_us = microseconds("at", at)
    rows = _Rows()
    done = session.stream(
        Op.HISTORY,
        request,
        features_pb2.HistoryResponse,
        lambda: ((), rows.restart()),
        data=encode_batch(columns, 1),
        timeout=session.transport.timeout,
    )
    return _frame(rows.schema or from_proto(done.schema.fields), rows.batches)


def explain(
    session: Session, service: Service, row: Any, event_time: str | None, as_of: Any, as_known: bool
) -> Explanation:
    """Which rows of each view one row of a spine gets."""
    spine = Spine(_one_row(row, service), service, event_time)
    batches = list(spine.items())
    if spine.rows_sent != 1:
        raise InvalidArgument(f"one row is explained at a time, found {spine.rows_sent}")
    request = training_pb2.ExplainRequest(
        service=service.reference,
        schema=to_proto(spine.schema),
        event_time=spine.event_time,
        as_of=_as_of(as_of),
        as_known=as_known,
    )
    parts: list[tuple[Any, Schema, list[Batch]]] = []

    def take(control: Bytes, data: Bytes) -> None:
        item = training_pb2.ExplainItem.FromString(bytes(control))
        if not parts or parts[-1][0].label != item.label:
            parts.append((item, from_proto(item.schema.fields), []))
        if len(data):
            parts[-1][2].append(decode_batch(data, parts[-1][1])[0])

    def restart() -> Callable[[Bytes, Bytes], None]:
        parts.clear()
        return take

    done = session.stream(
        Op.EXPLAIN,
        request,
        training_pb2.ExplainResponse,
        lambda: ((), restart()),
        data=b"".join(batches[0][1]),
        timeout=session.transport.timeout,
    )
    explained = [
        ExplainedPart(
            item.label,
            item.view,
            item.status,
            timedelta(microseconds=item.lookback_us) if item.HasField("lookback_us") else None,
            _frame(schema, rows),
        )
        for item, schema, rows in parts
    ]
    return Explanation(done.service, done.log_entry, explained)


def export(
    session: Session,
    view: View,
    path: str | os.PathLike[str] | None,
    as_of: Any,
    since: Any,
    until: Any,
) -> pa.RecordBatchReader | int:
    """All history of a view, streamed."""
    request = features_pb2.ExportRequest(view=view.name, as_of=_as_of(as_of))
    if since is not None:
        request.from_us = microseconds("since", since)
    if until is not None:
        request.until_us = microseconds("until", until)
    batches = _export(session, request)
    schema = next(batches)
    if path is None:
        return pa.RecordBatchReader.from_batches(schema, batches)
    return write_rows(path, schema, batches)


def _export(session: Session, request: Any) -> Iterator[Any]:
    """The schema, then the batches; leaving it cancels the call."""
    call, _ = session.begin(Op.EXPORT, request)
    fields: Schema | None = None
    rows = 0
    try:
        while (item := call.next_item()) is not None:
            if fields is None:
                message = features_pb2.HistoryItem.FromString(bytes(item[0]))
                fields = from_proto(message.schema.fields)
                schema = arrow_schema(fields)
                yield schema
            batch = decode_batch(item[1], fields)[0]
            rows += batch.rows
            yield to_record_batch(batch, schema)
        done = features_pb2.HistoryResponse.FromString(bytes(call.result()[0]))
        if fields is None:
            yield arrow_schema(from_proto(done.schema.fields))
        if rows != done.rows:
            raise Unavailable(f"{rows} rows arrived where the server sent {done.rows}", retry=0)
    except Unavailable as error:
        help = "what was written so far is not whole: export again"
        raise Unavailable(error.message, help, retry=0) from None
    finally:
        call.close()


def _one_row(row: Any, service: Service) -> Any:
    """A dict of single values as a row of a spine; request fields may be left out of it."""
    if isinstance(row, pd.Series):
        row = row.to_dict()
    if isinstance(row, Mapping):
        return [{**{field.name: None for field in service.request_fields}, **row}]
    return row


def _as_of(as_of: Any) -> common_pb2.AsOf | None:
    point = as_of_point(as_of)
    return common_pb2.AsOf(**point) if point else None


def _frame(schema: Schema, batches: list[Batch]) -> pd.DataFrame:
    arrow = arrow_schema(schema)
    table = pa.Table.from_batches([to_record_batch(b, arrow) for b in batches], schema=arrow)
    frame: pd.DataFrame = table.to_pandas()
    return frame

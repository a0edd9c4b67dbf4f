"""Calls whose answers come in pieces: materialize, history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from ._arrow import arrow_schema, to_record_batch
from ._batch import Batch, decode_batch, encode_batch
from ._columns import to_array
from ._definitions import near
from ._encode import BadValues, encode_array
from ._frames import Bytes, Op
from ._progress import Progress, ProgressOption
from ._proto import features_pb2
from ._session import Session
from ._types import Schema, from_proto, to_proto
from .errors import InvalidArgument
from .records import View


def materialize(session: Session, views: Sequence[str], progress: ProgressOption) -> int:
    """Rows written online."""
    title = ", ".join(views) if views else "materialize"
    bar = Progress(title, "keys", None, progress)

    def take(control: Bytes, _: Bytes) -> None:
        step = features_pb2.MaterializeProgress.FromString(bytes(control))
        bar.total = step.keys_total or None
        bar.update(step.keys_done)

    done = session.stream(
        Op.MATERIALIZE,
        features_pb2.MaterializeRequest(views=views),
        features_pb2.MaterializeProgress,
        lambda: ((), take),
        write=True,
    )
    bar.finish(f"{done.rows_written:,} rows online")
    return int(done.rows_written)


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


def history(session: Session, view: View, key: Mapping[str, Any]) -> pd.DataFrame:
    """Every row of one entity as a DataFrame."""
    names = [field.name for field in view.keys]
    for name in key:
        if name not in names:
            raise InvalidArgument(f'view {view.name} has no key "{name}"{near(name, names)}')
    columns = []
    for field in view.keys:
        if key.get(field.name) is None:
            raise InvalidArgument(f"view {view.name} is asked by {', '.join(map(str, view.keys))}")
        try:
            column = encode_array(
                to_array(field.name, [key[field.name]], field.type), field, "down", True
            )
        except BadValues as bad:
            raise InvalidArgument(f'key "{field.name}": {bad.reason}') from None
        if column.validity is not None:
            raise InvalidArgument(f'key "{field.name}" is null: expected {field.type}')
        columns.append(column)
    rows = _Rows()
    done = session.stream(
        Op.HISTORY,
        features_pb2.HistoryRequest(view=view.name, schema=to_proto(view.keys)),
        features_pb2.HistoryResponse,
        lambda: ((), rows.restart()),
        data=encode_batch(columns, 1),
        timeout=session.transport.timeout,
    )
    schema = rows.schema or from_proto(done.schema.fields)
    table = pa.Table.from_batches(
        [to_record_batch(batch) for batch in rows.batches], schema=arrow_schema(schema)
    )
    frame: pd.DataFrame = table.to_pandas()
    return frame

"""Arrow's types and arrays beside the wire's; coming out, buffers are wrapped, not copied."""

from __future__ import annotations

from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from ._batch import Batch, Column, Span
from ._frames import Bytes
from ._types import Field, Scalar, ValueType
from .errors import InvalidArgument

ARROW_SCALARS: dict[Scalar, pa.DataType] = {
    Scalar.BOOL: pa.bool_(),
    Scalar.INT32: pa.int32(),
    Scalar.INT64: pa.int64(),
    Scalar.FLOAT32: pa.float32(),
    Scalar.FLOAT64: pa.float64(),
    Scalar.STRING: pa.string(),
    Scalar.BYTES: pa.binary(),
    Scalar.TIMESTAMP: pa.timestamp("us", tz="UTC"),
}


def plain(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array without chunks, dictionaries, extensions and run lengths."""
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks() if array.num_chunks != 1 else array.chunk(0)
        if isinstance(array, pa.ChunkedArray):
            array = pa.concat_arrays(array.chunks)
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if getattr(pa.types, "is_run_end_encoded", lambda _: False)(array.type):
        array = pc.run_end_decode(array)
    for name, target in (("string_view", pa.large_string()), ("binary_view", pa.large_binary())):
        if getattr(pa.types, f"is_{name}", lambda _: False)(array.type):
            array = array.cast(target)
    return array


def nan_to_null(array: pa.Array) -> pa.Array:
    """Null for every NaN."""
    return pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)


def infer_type(name: str, found: pa.DataType) -> ValueType:
    """The type under which a column is carried that no definition names; all-null columns are
    float64.
    """
    types = pa.types
    if types.is_dictionary(found):
        return infer_type(name, found.value_type)
    if isinstance(found, pa.BaseExtensionType):
        return infer_type(name, found.storage_type)
    if types.is_fixed_size_list(found) or types.is_list(found) or types.is_large_list(found):
        item = infer_type(name, found.value_type)
        if not item.is_list:
            return ValueType(
                item.scalar, True, found.list_size if types.is_fixed_size_list(found) else 0
            )
    rules: list[tuple[Any, Scalar]] = [
        (types.is_boolean, Scalar.BOOL),
        (lambda t: types.is_integer(t) and t.bit_width <= 32 and t != pa.uint32(), Scalar.INT32),
        (types.is_integer, Scalar.INT64),
        (lambda t: types.is_float16(t) or types.is_float32(t), Scalar.FLOAT32),
        (lambda t: types.is_float64(t) or types.is_null(t), Scalar.FLOAT64),
        (
            lambda t: types.is_string(t) or types.is_large_string(t) or "string_view" in str(t),
            Scalar.STRING,
        ),
        (lambda t: "binary" in str(t), Scalar.BYTES),
        (lambda t: types.is_timestamp(t) or types.is_date(t), Scalar.TIMESTAMP),
    ]
    for matches, scalar in rules:
        if matches(found):
            return ValueType(scalar)
    help = "cast it to float64, or to int64 in the smallest unit" if types.is_decimal(found) else ""
    raise InvalidArgument(f'column "{name}": values of type {found} are not taken', help)


def arrow_type(type: ValueType) -> pa.DataType:
    """The Arrow type of a column of the wire."""
    item = ARROW_SCALARS[type.scalar]
    if not type.is_list:
        return item
    return pa.list_(item, type.length) if type.length else pa.list_(item)


def arrow_schema(fields: tuple[Field, ...]) -> pa.Schema:
    """The Arrow schema of a batch."""
    return pa.schema([pa.field(field.name, arrow_type(field.type)) for field in fields])


def to_arrow(column: Column) -> pa.Array:
    """The column as an Arrow array over the same memory."""
    validity = None if column.validity is None else pa.py_buffer(column.validity)
    kind = arrow_type(column.type)
    values = pa.py_buffer(column.values)
    if not column.type.is_list:
        buffers = [validity, values]
        if column.offsets is not None:
            buffers = [validity, pa.py_buffer(column.offsets), values]
        return pa.Array.from_buffers(kind, column.count, buffers)
    item = ARROW_SCALARS[column.type.scalar]
    if column.type.length:
        items = column.count * column.type.length
    else:
        items = int(cast(Any, column.offsets)[-1])
    if column.item_offsets is not None:
        child = pa.Array.from_buffers(
            item, items, [None, pa.py_buffer(column.item_offsets), values]
        )
    else:
        child = pa.Array.from_buffers(item, items, [None, values])
    outer = [validity] if column.offsets is None else [validity, pa.py_buffer(column.offsets)]
    return pa.Array.from_buffers(kind, column.count, outer, children=[child])


def to_record_batch(batch: Batch, schema: pa.Schema | None = None) -> pa.RecordBatch:
    """The batch as Arrow's, over the same memory; ``schema`` spares making it again."""
    if schema is None:
        schema = arrow_schema(batch.schema)
    if batch.source is None:
        arrays = [to_arrow(column) for column in batch.columns]
    else:
        arrays = _slices(batch.rows, *batch.source, schema)
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _slices(rows: int, data: Bytes, spans: list[Span], schema: pa.Schema) -> list[pa.Array]:
    """Columns of fixed width as slices of one buffer."""
    whole = pa.py_buffer(data)
    part, make = whole.slice, pa.Array.from_buffers
    return [
        make(kind, rows, [None, part(start, stop - start)], 0)
        if first < 0
        else make(kind, rows, [part(first, last - first), part(start, stop - start)])
        for kind, (first, last, start, stop) in zip(schema.types, spans)
    ]

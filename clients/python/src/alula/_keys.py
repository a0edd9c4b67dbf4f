"""One key, as the single row that a request carries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._batch import Column
from ._columns import to_array
from ._definitions import near
from ._encode import BadValues, encode_array
from ._types import Schema
from .errors import InvalidArgument


def key_columns(whose: str, fields: Schema, key: Mapping[str, Any]) -> list[Column]:
    """The key's columns; raises InvalidArgument for a missing, unknown, wrong or null part."""
    names = [field.name for field in fields]
    for name in key:
        if name not in names:
            raise InvalidArgument(f'{whose} has no key "{name}"{near(name, names)}')
    columns = []
    for field in fields:
        if key.get(field.name) is None:
            raise InvalidArgument(f"{whose} is asked by {', '.join(map(str, fields))}")
        try:
            array = to_array(field.name, [key[field.name]], field.type)
            column = encode_array(array, field, "down", True)
        except BadValues as bad:
            raise InvalidArgument(f'key "{field.name}": {bad.reason}') from None
        if column.validity is not None:
            raise InvalidArgument(f'key "{field.name}" is null: expected {field.type}')
        columns.append(column)
    return columns

"""Value types and schemas: in Python, as text, and on the wire."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ._proto import common_pb2 as pb
from .errors import InvalidArgument

MAX_FRAME_BYTES = 1 << 20
MAX_CONTROL_BYTES = 256 << 10
MAX_BATCH_ROWS = 65_536
MAX_VALUE_BYTES = 256 << 10
MAX_LIST_LENGTH = 65_536


class Scalar(enum.IntEnum):
    """The type of one item. The numbers are those of the wire."""

    BOOL = 1
    INT32 = 2
    INT64 = 3
    FLOAT32 = 4
    FLOAT64 = 5
    STRING = 6
    BYTES = 7
    TIMESTAMP = 8

    @property
    def text(self) -> str:
        return self.name.lower()


_DTYPES: dict[Scalar, np.dtype[Any]] = {
    Scalar.INT32: np.dtype("<i4"),
    Scalar.INT64: np.dtype("<i8"),
    Scalar.FLOAT32: np.dtype("<f4"),
    Scalar.FLOAT64: np.dtype("<f8"),
    Scalar.TIMESTAMP: np.dtype("<i8"),
}
_BY_TEXT = {scalar.text: scalar for scalar in Scalar}


@dataclass(frozen=True)
class ValueType:
    """A scalar, a list of any length (``length`` 0), or a list of exactly ``length`` items."""

    scalar: Scalar
    is_list: bool = False
    length: int = 0

    @cached_property
    def dtype(self) -> np.dtype[Any] | None:
        """How NumPy holds the items; None for strings, bytes and (packed) bools."""
        return _DTYPES.get(self.scalar)

    @cached_property
    def is_text(self) -> bool:
        """Whether items have lengths of their own: strings and bytes."""
        return self.scalar in (Scalar.STRING, Scalar.BYTES)

    @cached_property
    def is_number(self) -> bool:
        """Whether one value is one number: what ``to_numpy`` takes."""
        return not self.is_list and not self.is_text

    def __str__(self) -> str:
        if not self.is_list:
            return self.scalar.text
        return f"{self.scalar.text}[{self.length or ''}]"

    @staticmethod
    def parse(text: str) -> ValueType:
        """Reads ``int64``, ``string[]``, ``float32[64]``."""
        match = re.fullmatch(r"([a-z0-9]+)(\[(\d*)\])?", text)
        if match is None or match[1] not in _BY_TEXT:
            raise InvalidArgument(
                f'"{text}" is not a type: expected int64, string[] or float32[64]'
            )
        return ValueType(_BY_TEXT[match[1]], match[2] is not None, int(match[3] or 0))


@dataclass(frozen=True)
class Field:
    """A column's name and type."""

    name: str
    type: ValueType

    def __str__(self) -> str:
        return f"{self.name}: {self.type}"


Schema = tuple[Field, ...]


def to_proto(schema: Iterable[Field]) -> pb.Schema:
    """A schema as its control message."""
    return pb.Schema(
        fields=[
            pb.Field(
                name=field.name,
                type=pb.ValueType(
                    scalar=pb.ScalarType.Name(int(field.type.scalar)),
                    list=field.type.is_list,
                    length=field.type.length,
                ),
            )
            for field in schema
        ]
    )


def from_proto(fields: Iterable[pb.Field]) -> Schema:
    """A schema from its control message."""
    return tuple(
        Field(f.name, ValueType(Scalar(f.type.scalar), f.type.list, f.type.length)) for f in fields
    )

"""Frames and the preface: bytes to headers and back, without sockets.

```
u32 payload length | u8 kind | u8 flags | u16 operation | u32 call | u32 control length
control | zero padding to a multiple of 8, where data follows | data
```
"""

from __future__ import annotations

import enum
import struct
from typing import NamedTuple, Union

from ._types import MAX_CONTROL_BYTES, MAX_FRAME_BYTES
from .errors import DataLoss, InvalidArgument

Bytes = Union[bytes, bytearray, memoryview]
#: Data of a frame, whole or in parts that are sent one behind the other.
Data = Union[bytes, bytearray, memoryview, list[Bytes]]

HEADER = struct.Struct("<IBBHII")
HEADER_BYTES = 16
FLAG_MORE = 1
PREFACE = b"ALUL\x01\x01\x00\x00"
PREFACE_BYTES = 8


class Kind(enum.IntEnum):
    """What a frame is."""

    REQUEST = 1
    RESPONSE = 2
    ITEM = 3
    END = 4
    ERROR = 5
    CANCEL = 6
    WINDOW = 7


class Op(enum.IntEnum):
    """Operations, by their numbers on the wire."""

    STATUS = 0x0001
    VERIFY = 0x0002
    COMPACT = 0x0003
    AUTHENTICATE = 0x0004
    CREATE_TOKEN = 0x0005
    LIST_TOKENS = 0x0006
    REVOKE_TOKEN = 0x0007
    BACKUP = 0x0008
    LIST_BACKUPS = 0x0009
    PLAN = 0x0010
    APPLY = 0x0011
    DESCRIBE_CATALOG = 0x0012
    PUSH = 0x0020
    BEGIN_IMPORT = 0x0021
    STAGE_ROWS = 0x0022
    PUBLISH_IMPORT = 0x0023
    LIST_IMPORTS = 0x0024
    MATERIALIZE = 0x0025
    ABANDON_IMPORT = 0x0026
    RETRACT = 0x0027
    FORGET = 0x0028
    READ = 0x0030
    HISTORY = 0x0031
    EXPORT = 0x0032
    MAKE_TRAINING_SET = 0x0040
    LIST_TRAINING_SETS = 0x0041
    SHOW_TRAINING_SET = 0x0042
    GET_TRAINING_SET = 0x0043
    EXPLAIN = 0x0044
    START_RUN = 0x0050
    LOG_RUN = 0x0051
    END_RUN = 0x0052
    GET_RUN = 0x0053
    LIST_RUNS = 0x0054
    REGISTER_VERSION = 0x0060
    LIST_MODELS = 0x0061
    LIST_VERSIONS = 0x0062
    RESOLVE_VERSION = 0x0063
    PROMOTE = 0x0064
    ROLLBACK = 0x0065
    LINEAGE = 0x0066
    LIST_AUDIT = 0x0067
    PUT_ARTIFACT = 0x0070
    STAT_ARTIFACT = 0x0071
    GET_ARTIFACT = 0x0072
    SET_ALIAS = 0x0080
    DELETE_ALIAS = 0x0081
    LIST_ALIASES = 0x0082
    APPROVE = 0x0083
    LIST_APPROVALS = 0x0084
    LIST_GATES = 0x0085
    STAGES_AT = 0x0086
    WATCH = 0x0087
    VERIFY_AUDIT = 0x0088
    REPRODUCE = 0x0089
    SEARCH_RUNS = 0x0090
    SEARCH_VERSIONS = 0x0091
    TRACE = 0x0092
    DIFF_VERSIONS = 0x0093
    REPORT = 0x0094
    DELETE_RUN = 0x0098
    DELETE_TRAINING_SET = 0x0099
    DELETE_VERSION = 0x009A
    BEGIN_UPLOAD = 0x00A0
    PUT_PART = 0x00A1
    FINISH_UPLOAD = 0x00A2
    COLLECT_GARBAGE = 0x00A3
    BEAT_RUN = 0x00A4
    LOG_PREDICTIONS = 0x00B0
    LOG_OUTCOMES = 0x00B1
    SCAN_PREDICTIONS = 0x00B2
    SET_PREDICTION_LOG = 0x00B3
    SHOW_PREDICTION_LOG = 0x00B4
    SKEW = 0x00B5
    TRAINING_SET_FROM_LOG = 0x00B6
    PROFILE = 0x00C0
    DRIFT = 0x00C1
    PERFORMANCE = 0x00C2
    PROFILE_SPAN = 0x00E0
    LIST_MONITORS = 0x00C8
    TRY_MONITOR = 0x00C9
    STAGE_HOLDERS = 0x00D0
    START_ROLLOUT = 0x00D1
    CANCEL_ROLLOUT = 0x00D2
    LIST_ROLLOUTS = 0x00D3


class Header(NamedTuple):
    """The 16 bytes in front of every frame."""

    payload: int
    kind: int
    flags: int
    operation: int
    call: int
    control: int


def encode_frame(
    kind: int, flags: int, operation: int, call: int, control: bytes, data: Bytes = b""
) -> bytes:
    """One frame; refuses what is over the limits of the protocol."""
    size = len(control)
    if not data:
        if size > MAX_CONTROL_BYTES:
            raise InvalidArgument(
                f"a request of {size} bytes is over the limit of {MAX_CONTROL_BYTES}"
            )
        return HEADER.pack(size, kind, flags, operation, call, size) + control
    return _head(kind, flags, operation, call, control, len(data)) + data


def frame_parts(
    kind: int, flags: int, operation: int, call: int, control: bytes, data: Data
) -> list[Bytes]:
    """One frame as the buffers it consists of; none of ``data`` is copied."""
    parts = data if isinstance(data, list) else [data]
    length = sum(map(len, parts))
    if length == 0:
        return [encode_frame(kind, flags, operation, call, control)]
    return [_head(kind, flags, operation, call, control, length), *parts]


def frame_head(kind: int, operation: int, call: int, length: int) -> bytes:
    """What stands before the data of a frame without a control message."""
    return _head(kind, 0, operation, call, b"", length)


def _head(kind: int, flags: int, operation: int, call: int, control: bytes, length: int) -> bytes:
    size = len(control)
    padding = -size % 8
    payload = size + padding + length
    if size > MAX_CONTROL_BYTES or payload > MAX_FRAME_BYTES:
        raise InvalidArgument(f"a frame of {payload} bytes is over the limit of {MAX_FRAME_BYTES}")
    header = HEADER.pack(payload, kind, flags, operation, call, size)
    return b"".join((header, control, bytes(padding)))


def decode_header(buffer: Bytes, offset: int = 0) -> Header:
    """Reads a header and checks its lengths and kind; raises DataLoss where it breaks the rules."""
    header = Header._make(HEADER.unpack_from(buffer, offset))
    # A response may be one long list.
    most = MAX_FRAME_BYTES if header.kind == Kind.RESPONSE else MAX_CONTROL_BYTES
    if header.payload > MAX_FRAME_BYTES or header.control > min(header.payload, most):
        raise DataLoss("the server sent a frame over its limits: is this an Alula server's port?")
    if not Kind.REQUEST <= header.kind <= Kind.WINDOW:
        raise DataLoss(f"the server sent a frame of unknown kind {header.kind}")
    return header


def check_preface(preface: Bytes) -> None:
    """Raises DataLoss where what a server opened with is not the protocol, or no version of it."""
    if bytes(preface[:4]) != PREFACE[:4]:
        raise DataLoss("what listens there does not speak Alula's protocol", "check the port")
    if preface[4] == 0:
        raise DataLoss(
            "client and server share no protocol version", "upgrade the older of the two"
        )


def split_payload(payload: Bytes, control: int) -> tuple[Bytes, Bytes]:
    """Control message and data of a payload, as views of it."""
    return payload[:control], payload[control + -control % 8 :]

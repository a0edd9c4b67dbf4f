from . import common_pb2 as _common_pb2
from . import monitoring_pb2 as _monitoring_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProfileSpanRequest(_message.Message):
    __slots__ = ("head", "view", "model", "versions", "since_us", "until_us")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    view: str
    model: str
    versions: _containers.RepeatedScalarFieldContainer[int]
    since_us: int
    until_us: int
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., view: _Optional[str] = ..., model: _Optional[str] = ..., versions: _Optional[_Iterable[int]] = ..., since_us: _Optional[int] = ..., until_us: _Optional[int] = ...) -> None: ...

class ProfileSpan(_message.Message):
    __slots__ = ("profile", "hours")
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    profile: _monitoring_pb2.Profile
    hours: _containers.RepeatedCompositeFieldContainer[ProfileHour]
    def __init__(self, profile: _Optional[_Union[_monitoring_pb2.Profile, _Mapping]] = ..., hours: _Optional[_Iterable[_Union[ProfileHour, _Mapping]]] = ...) -> None: ...

class ProfileHour(_message.Message):
    __slots__ = ("start_us", "version", "rows", "is_coarse", "is_stale", "span_us")
    START_US_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    IS_COARSE_FIELD_NUMBER: _ClassVar[int]
    IS_STALE_FIELD_NUMBER: _ClassVar[int]
    SPAN_US_FIELD_NUMBER: _ClassVar[int]
    start_us: int
    version: int
    rows: int
    is_coarse: bool
    is_stale: bool
    span_us: int
    def __init__(self, start_us: _Optional[int] = ..., version: _Optional[int] = ..., rows: _Optional[int] = ..., is_coarse: bool = ..., is_stale: bool = ..., span_us: _Optional[int] = ...) -> None: ...

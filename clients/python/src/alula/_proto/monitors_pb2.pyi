from . import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListMonitorsRequest(_message.Message):
    __slots__ = ("head",)
    HEAD_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ...) -> None: ...

class Monitors(_message.Message):
    __slots__ = ("monitors",)
    MONITORS_FIELD_NUMBER: _ClassVar[int]
    monitors: _containers.RepeatedCompositeFieldContainer[Monitor]
    def __init__(self, monitors: _Optional[_Iterable[_Union[Monitor, _Mapping]]] = ...) -> None: ...

class Monitor(_message.Message):
    __slots__ = ("name", "version", "model", "view", "what", "feature", "metric", "lines", "state")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    LINES_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    model: str
    view: str
    what: str
    feature: str
    metric: str
    lines: _containers.RepeatedScalarFieldContainer[str]
    state: MonitorState
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., model: _Optional[str] = ..., view: _Optional[str] = ..., what: _Optional[str] = ..., feature: _Optional[str] = ..., metric: _Optional[str] = ..., lines: _Optional[_Iterable[str]] = ..., state: _Optional[_Union[MonitorState, _Mapping]] = ...) -> None: ...

class MonitorState(_message.Message):
    __slots__ = ("state", "since_us", "firing_since_us", "evaluated_us", "value", "threshold", "rows", "reason")
    STATE_FIELD_NUMBER: _ClassVar[int]
    SINCE_US_FIELD_NUMBER: _ClassVar[int]
    FIRING_SINCE_US_FIELD_NUMBER: _ClassVar[int]
    EVALUATED_US_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    state: str
    since_us: int
    firing_since_us: int
    evaluated_us: int
    value: float
    threshold: float
    rows: int
    reason: str
    def __init__(self, state: _Optional[str] = ..., since_us: _Optional[int] = ..., firing_since_us: _Optional[int] = ..., evaluated_us: _Optional[int] = ..., value: _Optional[float] = ..., threshold: _Optional[float] = ..., rows: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class TryMonitorRequest(_message.Message):
    __slots__ = ("head", "name", "time_us")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    name: str
    time_us: int
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., name: _Optional[str] = ..., time_us: _Optional[int] = ...) -> None: ...

class MonitorTrial(_message.Message):
    __slots__ = ("monitor", "looks")
    MONITOR_FIELD_NUMBER: _ClassVar[int]
    LOOKS_FIELD_NUMBER: _ClassVar[int]
    monitor: Monitor
    looks: _containers.RepeatedCompositeFieldContainer[MonitorState]
    def __init__(self, monitor: _Optional[_Union[Monitor, _Mapping]] = ..., looks: _Optional[_Iterable[_Union[MonitorState, _Mapping]]] = ...) -> None: ...

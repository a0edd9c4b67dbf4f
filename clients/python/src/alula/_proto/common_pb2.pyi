from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ScalarType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCALAR_TYPE_UNSPECIFIED: _ClassVar[ScalarType]
    BOOL: _ClassVar[ScalarType]
    INT32: _ClassVar[ScalarType]
    INT64: _ClassVar[ScalarType]
    FLOAT32: _ClassVar[ScalarType]
    FLOAT64: _ClassVar[ScalarType]
    STRING: _ClassVar[ScalarType]
    BYTES: _ClassVar[ScalarType]
    TIMESTAMP: _ClassVar[ScalarType]
SCALAR_TYPE_UNSPECIFIED: ScalarType
BOOL: ScalarType
INT32: ScalarType
INT64: ScalarType
FLOAT32: ScalarType
FLOAT64: ScalarType
STRING: ScalarType
BYTES: ScalarType
TIMESTAMP: ScalarType

class CallHead(_message.Message):
    __slots__ = ("project", "request_id", "timeout_ms")
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    project: str
    request_id: bytes
    timeout_ms: int
    def __init__(self, project: _Optional[str] = ..., request_id: _Optional[bytes] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ("code", "message", "help", "details", "retry")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    HELP_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    help: str
    details: _containers.RepeatedScalarFieldContainer[str]
    retry: int
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ..., help: _Optional[str] = ..., details: _Optional[_Iterable[str]] = ..., retry: _Optional[int] = ...) -> None: ...

class Window(_message.Message):
    __slots__ = ("bytes",)
    BYTES_FIELD_NUMBER: _ClassVar[int]
    bytes: int
    def __init__(self, bytes: _Optional[int] = ...) -> None: ...

class ValueType(_message.Message):
    __slots__ = ("scalar", "list", "length")
    SCALAR_FIELD_NUMBER: _ClassVar[int]
    LIST_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    scalar: ScalarType
    list: bool
    length: int
    def __init__(self, scalar: _Optional[_Union[ScalarType, str]] = ..., list: bool = ..., length: _Optional[int] = ...) -> None: ...

class Field(_message.Message):
    __slots__ = ("name", "type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: ValueType
    def __init__(self, name: _Optional[str] = ..., type: _Optional[_Union[ValueType, _Mapping]] = ...) -> None: ...

class Schema(_message.Message):
    __slots__ = ("fields",)
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    fields: _containers.RepeatedCompositeFieldContainer[Field]
    def __init__(self, fields: _Optional[_Iterable[_Union[Field, _Mapping]]] = ...) -> None: ...

class Empty(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HeadOnly(_message.Message):
    __slots__ = ("head",)
    HEAD_FIELD_NUMBER: _ClassVar[int]
    head: CallHead
    def __init__(self, head: _Optional[_Union[CallHead, _Mapping]] = ...) -> None: ...

class AsOf(_message.Message):
    __slots__ = ("log_entry", "time_us", "training_set")
    LOG_ENTRY_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    TRAINING_SET_FIELD_NUMBER: _ClassVar[int]
    log_entry: int
    time_us: int
    training_set: str
    def __init__(self, log_entry: _Optional[int] = ..., time_us: _Optional[int] = ..., training_set: _Optional[str] = ...) -> None: ...

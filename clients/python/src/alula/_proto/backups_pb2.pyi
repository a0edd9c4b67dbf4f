from . import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BackupRequest(_message.Message):
    __slots__ = ("head", "name", "bytes_per_second")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    BYTES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    name: str
    bytes_per_second: int
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., name: _Optional[str] = ..., bytes_per_second: _Optional[int] = ...) -> None: ...

class BackupProgress(_message.Message):
    __slots__ = ("step", "done", "total")
    STEP_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    step: str
    done: int
    total: int
    def __init__(self, step: _Optional[str] = ..., done: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...

class Backup(_message.Message):
    __slots__ = ("name", "taken_us", "log_entry", "applied_entry", "audit_head", "bytes", "new_bytes", "files", "paused_us", "deletions", "version", "data_format", "audit_key_inside", "problem")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TAKEN_US_FIELD_NUMBER: _ClassVar[int]
    LOG_ENTRY_FIELD_NUMBER: _ClassVar[int]
    APPLIED_ENTRY_FIELD_NUMBER: _ClassVar[int]
    AUDIT_HEAD_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    NEW_BYTES_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    PAUSED_US_FIELD_NUMBER: _ClassVar[int]
    DELETIONS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DATA_FORMAT_FIELD_NUMBER: _ClassVar[int]
    AUDIT_KEY_INSIDE_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    name: str
    taken_us: int
    log_entry: int
    applied_entry: int
    audit_head: str
    bytes: int
    new_bytes: int
    files: int
    paused_us: int
    deletions: int
    version: str
    data_format: int
    audit_key_inside: bool
    problem: str
    def __init__(self, name: _Optional[str] = ..., taken_us: _Optional[int] = ..., log_entry: _Optional[int] = ..., applied_entry: _Optional[int] = ..., audit_head: _Optional[str] = ..., bytes: _Optional[int] = ..., new_bytes: _Optional[int] = ..., files: _Optional[int] = ..., paused_us: _Optional[int] = ..., deletions: _Optional[int] = ..., version: _Optional[str] = ..., data_format: _Optional[int] = ..., audit_key_inside: bool = ..., problem: _Optional[str] = ...) -> None: ...

class Backups(_message.Message):
    __slots__ = ("backups", "directory")
    BACKUPS_FIELD_NUMBER: _ClassVar[int]
    DIRECTORY_FIELD_NUMBER: _ClassVar[int]
    backups: _containers.RepeatedCompositeFieldContainer[Backup]
    directory: str
    def __init__(self, backups: _Optional[_Iterable[_Union[Backup, _Mapping]]] = ..., directory: _Optional[str] = ...) -> None: ...

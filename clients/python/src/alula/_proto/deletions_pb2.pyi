from . import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DeleteRunRequest(_message.Message):
    __slots__ = ("head", "run", "dry_run")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    run: str
    dry_run: bool
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., run: _Optional[str] = ..., dry_run: bool = ...) -> None: ...

class DeleteTrainingSetRequest(_message.Message):
    __slots__ = ("head", "training_set", "dry_run")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    TRAINING_SET_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    training_set: str
    dry_run: bool
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., training_set: _Optional[str] = ..., dry_run: bool = ...) -> None: ...

class DeleteVersionRequest(_message.Message):
    __slots__ = ("head", "model", "version", "dry_run")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    model: str
    version: int
    dry_run: bool
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., model: _Optional[str] = ..., version: _Optional[int] = ..., dry_run: bool = ...) -> None: ...

class Deletion(_message.Message):
    __slots__ = ("title", "holders", "artifacts", "artifact_bytes", "done")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    HOLDERS_FIELD_NUMBER: _ClassVar[int]
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    ARTIFACT_BYTES_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    title: str
    holders: _containers.RepeatedScalarFieldContainer[str]
    artifacts: int
    artifact_bytes: int
    done: bool
    def __init__(self, title: _Optional[str] = ..., holders: _Optional[_Iterable[str]] = ..., artifacts: _Optional[int] = ..., artifact_bytes: _Optional[int] = ..., done: bool = ...) -> None: ...

from . import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BeginUploadRequest(_message.Message):
    __slots__ = ("head", "bytes", "upload")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    bytes: int
    upload: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., bytes: _Optional[int] = ..., upload: _Optional[str] = ...) -> None: ...

class Upload(_message.Message):
    __slots__ = ("upload", "part_bytes", "parts", "held")
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    PART_BYTES_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    upload: str
    part_bytes: int
    parts: int
    held: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, upload: _Optional[str] = ..., part_bytes: _Optional[int] = ..., parts: _Optional[int] = ..., held: _Optional[_Iterable[int]] = ...) -> None: ...

class PutPartRequest(_message.Message):
    __slots__ = ("head", "upload", "part")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    upload: str
    part: int
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., upload: _Optional[str] = ..., part: _Optional[int] = ...) -> None: ...

class FinishUploadRequest(_message.Message):
    __slots__ = ("head", "upload", "digest")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    upload: str
    digest: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., upload: _Optional[str] = ..., digest: _Optional[str] = ...) -> None: ...

class CollectGarbageRequest(_message.Message):
    __slots__ = ("head", "dry_run", "older_seconds", "digest")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    OLDER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    dry_run: bool
    older_seconds: int
    digest: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., dry_run: bool = ..., older_seconds: _Optional[int] = ..., digest: _Optional[str] = ...) -> None: ...

class Garbage(_message.Message):
    __slots__ = ("artifacts", "uploads", "chunks", "bytes", "first")
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    UPLOADS_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    artifacts: int
    uploads: int
    chunks: int
    bytes: int
    first: _containers.RepeatedCompositeFieldContainer[GarbageArtifact]
    def __init__(self, artifacts: _Optional[int] = ..., uploads: _Optional[int] = ..., chunks: _Optional[int] = ..., bytes: _Optional[int] = ..., first: _Optional[_Iterable[_Union[GarbageArtifact, _Mapping]]] = ...) -> None: ...

class GarbageArtifact(_message.Message):
    __slots__ = ("digest", "bytes", "modified_us")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    MODIFIED_US_FIELD_NUMBER: _ClassVar[int]
    digest: str
    bytes: int
    modified_us: int
    def __init__(self, digest: _Optional[str] = ..., bytes: _Optional[int] = ..., modified_us: _Optional[int] = ...) -> None: ...

from . import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PushRequest(_message.Message):
    __slots__ = ("head", "view", "schema")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    view: str
    schema: _common_pb2.Schema
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., view: _Optional[str] = ..., schema: _Optional[_Union[_common_pb2.Schema, _Mapping]] = ...) -> None: ...

class PushResponse(_message.Message):
    __slots__ = ("log_entry", "statuses", "problems")
    LOG_ENTRY_FIELD_NUMBER: _ClassVar[int]
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    log_entry: int
    statuses: bytes
    problems: _containers.RepeatedCompositeFieldContainer[RowProblem]
    def __init__(self, log_entry: _Optional[int] = ..., statuses: _Optional[bytes] = ..., problems: _Optional[_Iterable[_Union[RowProblem, _Mapping]]] = ...) -> None: ...

class RowProblem(_message.Message):
    __slots__ = ("row", "reason")
    ROW_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    row: int
    reason: str
    def __init__(self, row: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class BeginImportRequest(_message.Message):
    __slots__ = ("head", "view", "source_name", "source_digest", "options", "again", "allow_future")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    SOURCE_NAME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    AGAIN_FIELD_NUMBER: _ClassVar[int]
    ALLOW_FUTURE_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    view: str
    source_name: str
    source_digest: bytes
    options: str
    again: bool
    allow_future: bool
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., view: _Optional[str] = ..., source_name: _Optional[str] = ..., source_digest: _Optional[bytes] = ..., options: _Optional[str] = ..., again: bool = ..., allow_future: bool = ...) -> None: ...

class BeginImportResponse(_message.Message):
    __slots__ = ("import_id", "state", "next_chunk", "staged_rows")
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    NEXT_CHUNK_FIELD_NUMBER: _ClassVar[int]
    STAGED_ROWS_FIELD_NUMBER: _ClassVar[int]
    import_id: str
    state: str
    next_chunk: int
    staged_rows: int
    def __init__(self, import_id: _Optional[str] = ..., state: _Optional[str] = ..., next_chunk: _Optional[int] = ..., staged_rows: _Optional[int] = ...) -> None: ...

class StageRowsRequest(_message.Message):
    __slots__ = ("head", "import_id", "schema")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    import_id: str
    schema: _common_pb2.Schema
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., import_id: _Optional[str] = ..., schema: _Optional[_Union[_common_pb2.Schema, _Mapping]] = ...) -> None: ...

class StageChunk(_message.Message):
    __slots__ = ("chunk", "first_row")
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    FIRST_ROW_FIELD_NUMBER: _ClassVar[int]
    chunk: int
    first_row: int
    def __init__(self, chunk: _Optional[int] = ..., first_row: _Optional[int] = ...) -> None: ...

class StageProgress(_message.Message):
    __slots__ = ("next_chunk", "staged_rows")
    NEXT_CHUNK_FIELD_NUMBER: _ClassVar[int]
    STAGED_ROWS_FIELD_NUMBER: _ClassVar[int]
    next_chunk: int
    staged_rows: int
    def __init__(self, next_chunk: _Optional[int] = ..., staged_rows: _Optional[int] = ...) -> None: ...

class PublishImportRequest(_message.Message):
    __slots__ = ("head", "import_id")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    import_id: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., import_id: _Optional[str] = ...) -> None: ...

class PublishImportResponse(_message.Message):
    __slots__ = ("log_entry", "rows")
    LOG_ENTRY_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    log_entry: int
    rows: int
    def __init__(self, log_entry: _Optional[int] = ..., rows: _Optional[int] = ...) -> None: ...

class ImportsResponse(_message.Message):
    __slots__ = ("imports",)
    IMPORTS_FIELD_NUMBER: _ClassVar[int]
    imports: _containers.RepeatedCompositeFieldContainer[ImportRecord]
    def __init__(self, imports: _Optional[_Iterable[_Union[ImportRecord, _Mapping]]] = ...) -> None: ...

class ImportRecord(_message.Message):
    __slots__ = ("import_id", "view", "source_name", "state", "rows", "log_entry", "begun_us", "source_digest")
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    SOURCE_NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    LOG_ENTRY_FIELD_NUMBER: _ClassVar[int]
    BEGUN_US_FIELD_NUMBER: _ClassVar[int]
    SOURCE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    import_id: str
    view: str
    source_name: str
    state: str
    rows: int
    log_entry: int
    begun_us: int
    source_digest: str
    def __init__(self, import_id: _Optional[str] = ..., view: _Optional[str] = ..., source_name: _Optional[str] = ..., state: _Optional[str] = ..., rows: _Optional[int] = ..., log_entry: _Optional[int] = ..., begun_us: _Optional[int] = ..., source_digest: _Optional[str] = ...) -> None: ...

class MaterializeRequest(_message.Message):
    __slots__ = ("head", "views")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    views: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., views: _Optional[_Iterable[str]] = ...) -> None: ...

class MaterializeProgress(_message.Message):
    __slots__ = ("view", "keys_done", "keys_total", "rows_written", "view_done")
    VIEW_FIELD_NUMBER: _ClassVar[int]
    KEYS_DONE_FIELD_NUMBER: _ClassVar[int]
    KEYS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    ROWS_WRITTEN_FIELD_NUMBER: _ClassVar[int]
    VIEW_DONE_FIELD_NUMBER: _ClassVar[int]
    view: str
    keys_done: int
    keys_total: int
    rows_written: int
    view_done: bool
    def __init__(self, view: _Optional[str] = ..., keys_done: _Optional[int] = ..., keys_total: _Optional[int] = ..., rows_written: _Optional[int] = ..., view_done: bool = ...) -> None: ...

class ReadRequest(_message.Message):
    __slots__ = ("head", "service", "schema", "known_plan")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    KNOWN_PLAN_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    service: str
    schema: _common_pb2.Schema
    known_plan: int
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., service: _Optional[str] = ..., schema: _Optional[_Union[_common_pb2.Schema, _Mapping]] = ..., known_plan: _Optional[int] = ...) -> None: ...

class ReadResponse(_message.Message):
    __slots__ = ("plan", "service", "schema", "parts", "rows")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    plan: int
    service: str
    schema: _common_pb2.Schema
    parts: _containers.RepeatedCompositeFieldContainer[ViewPart]
    rows: int
    def __init__(self, plan: _Optional[int] = ..., service: _Optional[str] = ..., schema: _Optional[_Union[_common_pb2.Schema, _Mapping]] = ..., parts: _Optional[_Iterable[_Union[ViewPart, _Mapping]]] = ..., rows: _Optional[int] = ...) -> None: ...

class ViewPart(_message.Message):
    __slots__ = ("label", "view", "columns", "max_age_us")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    MAX_AGE_US_FIELD_NUMBER: _ClassVar[int]
    label: str
    view: str
    columns: int
    max_age_us: int
    def __init__(self, label: _Optional[str] = ..., view: _Optional[str] = ..., columns: _Optional[int] = ..., max_age_us: _Optional[int] = ...) -> None: ...

class HistoryRequest(_message.Message):
    __slots__ = ("head", "view", "schema")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    view: str
    schema: _common_pb2.Schema
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., view: _Optional[str] = ..., schema: _Optional[_Union[_common_pb2.Schema, _Mapping]] = ...) -> None: ...

class HistoryItem(_message.Message):
    __slots__ = ("schema",)
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    schema: _common_pb2.Schema
    def __init__(self, schema: _Optional[_Union[_common_pb2.Schema, _Mapping]] = ...) -> None: ...

class HistoryResponse(_message.Message):
    __slots__ = ("rows", "schema")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    rows: int
    schema: _common_pb2.Schema
    def __init__(self, rows: _Optional[int] = ..., schema: _Optional[_Union[_common_pb2.Schema, _Mapping]] = ...) -> None: ...

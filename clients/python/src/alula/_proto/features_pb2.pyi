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
    __slots__ = ("import_id", "state", "next_chunk", "staged_rows", "begun_us")
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    NEXT_CHUNK_FIELD_NUMBER: _ClassVar[int]
    STAGED_ROWS_FIELD_NUMBER: _ClassVar[int]
    BEGUN_US_FIELD_NUMBER: _ClassVar[int]
    import_id: str
    state: str
    next_chunk: int
    staged_rows: int
    begun_us: int
    def __init__(self, import_id: _Optional[str] = ..., state: _Optional[str] = ..., next_chunk: _Optional[int] = ..., staged_rows: _Optional[int] = ..., begun_us: _Optional[int] = ...) -> None: ...

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

class ListImportsRequest(_message.Message):
    __slots__ = ("head", "limit", "page_token")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    limit: int
    page_token: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., limit: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ImportsResponse(_message.Message):
    __slots__ = ("imports", "next_page_token")
    IMPORTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    imports: _containers.RepeatedCompositeFieldContainer[ImportRecord]
    next_page_token: str
    def __init__(self, imports: _Optional[_Iterable[_Union[ImportRecord, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

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

class AbandonImportRequest(_message.Message):
    __slots__ = ("head", "import_id")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    import_id: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., import_id: _Optional[str] = ...) -> None: ...

class AbandonImportResponse(_message.Message):
    __slots__ = ("rows",)
    ROWS_FIELD_NUMBER: _ClassVar[int]
    rows: int
    def __init__(self, rows: _Optional[int] = ...) -> None: ...

class RetractRequest(_message.Message):
    __slots__ = ("head", "import_id", "first_entry", "last_entry", "view", "dry_run")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_ENTRY_FIELD_NUMBER: _ClassVar[int]
    LAST_ENTRY_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    import_id: str
    first_entry: int
    last_entry: int
    view: str
    dry_run: bool
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., import_id: _Optional[str] = ..., first_entry: _Optional[int] = ..., last_entry: _Optional[int] = ..., view: _Optional[str] = ..., dry_run: bool = ...) -> None: ...

class RetractProgress(_message.Message):
    __slots__ = ("view", "keys_done", "rows_restored")
    VIEW_FIELD_NUMBER: _ClassVar[int]
    KEYS_DONE_FIELD_NUMBER: _ClassVar[int]
    ROWS_RESTORED_FIELD_NUMBER: _ClassVar[int]
    view: str
    keys_done: int
    rows_restored: int
    def __init__(self, view: _Optional[str] = ..., keys_done: _Optional[int] = ..., rows_restored: _Optional[int] = ...) -> None: ...

class RetractResponse(_message.Message):
    __slots__ = ("log_entry", "rows", "rows_restored", "training_sets")
    LOG_ENTRY_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    ROWS_RESTORED_FIELD_NUMBER: _ClassVar[int]
    TRAINING_SETS_FIELD_NUMBER: _ClassVar[int]
    log_entry: int
    rows: int
    rows_restored: int
    training_sets: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, log_entry: _Optional[int] = ..., rows: _Optional[int] = ..., rows_restored: _Optional[int] = ..., training_sets: _Optional[_Iterable[str]] = ...) -> None: ...

class ForgetRequest(_message.Message):
    __slots__ = ("head", "entity", "schema", "dry_run")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    ENTITY_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    entity: str
    schema: _common_pb2.Schema
    dry_run: bool
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., entity: _Optional[str] = ..., schema: _Optional[_Union[_common_pb2.Schema, _Mapping]] = ..., dry_run: bool = ...) -> None: ...

class ForgetProgress(_message.Message):
    __slots__ = ("step", "done", "total")
    STEP_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    step: str
    done: int
    total: int
    def __init__(self, step: _Optional[str] = ..., done: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...

class ForgetResponse(_message.Message):
    __slots__ = ("log_entry", "views", "spine_rows", "training_sets", "served_vectors", "out_of_reach")
    LOG_ENTRY_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    SPINE_ROWS_FIELD_NUMBER: _ClassVar[int]
    TRAINING_SETS_FIELD_NUMBER: _ClassVar[int]
    SERVED_VECTORS_FIELD_NUMBER: _ClassVar[int]
    OUT_OF_REACH_FIELD_NUMBER: _ClassVar[int]
    log_entry: int
    views: _containers.RepeatedCompositeFieldContainer[ForgottenView]
    spine_rows: int
    training_sets: _containers.RepeatedScalarFieldContainer[str]
    served_vectors: int
    out_of_reach: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, log_entry: _Optional[int] = ..., views: _Optional[_Iterable[_Union[ForgottenView, _Mapping]]] = ..., spine_rows: _Optional[int] = ..., training_sets: _Optional[_Iterable[str]] = ..., served_vectors: _Optional[int] = ..., out_of_reach: _Optional[_Iterable[str]] = ...) -> None: ...

class ForgottenView(_message.Message):
    __slots__ = ("view", "history_rows", "staged_rows", "online_rows")
    VIEW_FIELD_NUMBER: _ClassVar[int]
    HISTORY_ROWS_FIELD_NUMBER: _ClassVar[int]
    STAGED_ROWS_FIELD_NUMBER: _ClassVar[int]
    ONLINE_ROWS_FIELD_NUMBER: _ClassVar[int]
    view: str
    history_rows: int
    staged_rows: int
    online_rows: int
    def __init__(self, view: _Optional[str] = ..., history_rows: _Optional[int] = ..., staged_rows: _Optional[int] = ..., online_rows: _Optional[int] = ...) -> None: ...

class CompactRequest(_message.Message):
    __slots__ = ("head", "views", "dry_run")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    views: _containers.RepeatedScalarFieldContainer[str]
    dry_run: bool
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., views: _Optional[_Iterable[str]] = ..., dry_run: bool = ...) -> None: ...

class CompactProgress(_message.Message):
    __slots__ = ("view", "rows_done", "rows_total", "view_done")
    VIEW_FIELD_NUMBER: _ClassVar[int]
    ROWS_DONE_FIELD_NUMBER: _ClassVar[int]
    ROWS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    VIEW_DONE_FIELD_NUMBER: _ClassVar[int]
    view: str
    rows_done: int
    rows_total: int
    view_done: bool
    def __init__(self, view: _Optional[str] = ..., rows_done: _Optional[int] = ..., rows_total: _Optional[int] = ..., view_done: bool = ...) -> None: ...

class CompactResponse(_message.Message):
    __slots__ = ("views",)
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    views: _containers.RepeatedCompositeFieldContainer[CompactedView]
    def __init__(self, views: _Optional[_Iterable[_Union[CompactedView, _Mapping]]] = ...) -> None: ...

class CompactedView(_message.Message):
    __slots__ = ("view", "segments_before", "segments_after", "rows", "rows_retired", "training_sets")
    VIEW_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_BEFORE_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_AFTER_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    ROWS_RETIRED_FIELD_NUMBER: _ClassVar[int]
    TRAINING_SETS_FIELD_NUMBER: _ClassVar[int]
    view: str
    segments_before: int
    segments_after: int
    rows: int
    rows_retired: int
    training_sets: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, view: _Optional[str] = ..., segments_before: _Optional[int] = ..., segments_after: _Optional[int] = ..., rows: _Optional[int] = ..., rows_retired: _Optional[int] = ..., training_sets: _Optional[_Iterable[str]] = ...) -> None: ...

class VerifyProgress(_message.Message):
    __slots__ = ("part", "done", "total")
    PART_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    part: str
    done: int
    total: int
    def __init__(self, part: _Optional[str] = ..., done: _Optional[int] = ..., total: _Optional[int] = ...) -> None: ...

class VerifyResponse(_message.Message):
    __slots__ = ("problem_count", "problems", "segments", "history_rows", "blocks", "online_rows", "artifacts", "training_sets", "notes", "served_segments", "served_rows", "served_blocks")
    PROBLEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    HISTORY_ROWS_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    ONLINE_ROWS_FIELD_NUMBER: _ClassVar[int]
    ARTIFACTS_FIELD_NUMBER: _ClassVar[int]
    TRAINING_SETS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    SERVED_SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    SERVED_ROWS_FIELD_NUMBER: _ClassVar[int]
    SERVED_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    problem_count: int
    problems: _containers.RepeatedScalarFieldContainer[str]
    segments: int
    history_rows: int
    blocks: int
    online_rows: int
    artifacts: int
    training_sets: int
    notes: _containers.RepeatedScalarFieldContainer[str]
    served_segments: int
    served_rows: int
    served_blocks: int
    def __init__(self, problem_count: _Optional[int] = ..., problems: _Optional[_Iterable[str]] = ..., segments: _Optional[int] = ..., history_rows: _Optional[int] = ..., blocks: _Optional[int] = ..., online_rows: _Optional[int] = ..., artifacts: _Optional[int] = ..., training_sets: _Optional[int] = ..., notes: _Optional[_Iterable[str]] = ..., served_segments: _Optional[int] = ..., served_rows: _Optional[int] = ..., served_blocks: _Optional[int] = ...) -> None: ...

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
    __slots__ = ("head", "service", "schema", "known_plan", "model", "stage", "alias", "version", "log", "among", "shadow")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    KNOWN_PLAN_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    AMONG_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    service: str
    schema: _common_pb2.Schema
    known_plan: int
    model: str
    stage: str
    alias: str
    version: int
    log: bool
    among: _containers.RepeatedScalarFieldContainer[int]
    shadow: bool
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., service: _Optional[str] = ..., schema: _Optional[_Union[_common_pb2.Schema, _Mapping]] = ..., known_plan: _Optional[int] = ..., model: _Optional[str] = ..., stage: _Optional[str] = ..., alias: _Optional[str] = ..., version: _Optional[int] = ..., log: bool = ..., among: _Optional[_Iterable[int]] = ..., shadow: bool = ...) -> None: ...

class ReadResponse(_message.Message):
    __slots__ = ("plan", "service", "schema", "parts", "rows", "model_version", "prediction_time", "logged", "row_numbers", "shadow", "shared")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    PREDICTION_TIME_FIELD_NUMBER: _ClassVar[int]
    LOGGED_FIELD_NUMBER: _ClassVar[int]
    ROW_NUMBERS_FIELD_NUMBER: _ClassVar[int]
    SHADOW_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    plan: int
    service: str
    schema: _common_pb2.Schema
    parts: _containers.RepeatedCompositeFieldContainer[ViewPart]
    rows: int
    model_version: int
    prediction_time: int
    logged: bytes
    row_numbers: _containers.RepeatedScalarFieldContainer[int]
    shadow: bool
    shared: bool
    def __init__(self, plan: _Optional[int] = ..., service: _Optional[str] = ..., schema: _Optional[_Union[_common_pb2.Schema, _Mapping]] = ..., parts: _Optional[_Iterable[_Union[ViewPart, _Mapping]]] = ..., rows: _Optional[int] = ..., model_version: _Optional[int] = ..., prediction_time: _Optional[int] = ..., logged: _Optional[bytes] = ..., row_numbers: _Optional[_Iterable[int]] = ..., shadow: bool = ..., shared: bool = ...) -> None: ...

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
    __slots__ = ("head", "view", "schema", "at_us", "as_of")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    AT_US_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    view: str
    schema: _common_pb2.Schema
    at_us: int
    as_of: _common_pb2.AsOf
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., view: _Optional[str] = ..., schema: _Optional[_Union[_common_pb2.Schema, _Mapping]] = ..., at_us: _Optional[int] = ..., as_of: _Optional[_Union[_common_pb2.AsOf, _Mapping]] = ...) -> None: ...

class ExportRequest(_message.Message):
    __slots__ = ("head", "view", "as_of", "from_us", "until_us")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    FROM_US_FIELD_NUMBER: _ClassVar[int]
    UNTIL_US_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    view: str
    as_of: _common_pb2.AsOf
    from_us: int
    until_us: int
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., view: _Optional[str] = ..., as_of: _Optional[_Union[_common_pb2.AsOf, _Mapping]] = ..., from_us: _Optional[int] = ..., until_us: _Optional[int] = ...) -> None: ...

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

from . import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AuthenticateRequest(_message.Message):
    __slots__ = ("head", "token")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    token: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class AuthenticateResponse(_message.Message):
    __slots__ = ("name", "roles", "scope", "expires_us")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_US_FIELD_NUMBER: _ClassVar[int]
    name: str
    roles: _containers.RepeatedScalarFieldContainer[str]
    scope: TokenScope
    expires_us: int
    def __init__(self, name: _Optional[str] = ..., roles: _Optional[_Iterable[str]] = ..., scope: _Optional[_Union[TokenScope, _Mapping]] = ..., expires_us: _Optional[int] = ...) -> None: ...

class TokenScope(_message.Message):
    __slots__ = ("projects", "views", "models")
    PROJECTS_FIELD_NUMBER: _ClassVar[int]
    VIEWS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    projects: _containers.RepeatedScalarFieldContainer[str]
    views: _containers.RepeatedScalarFieldContainer[str]
    models: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, projects: _Optional[_Iterable[str]] = ..., views: _Optional[_Iterable[str]] = ..., models: _Optional[_Iterable[str]] = ...) -> None: ...

class CreateTokenRequest(_message.Message):
    __slots__ = ("head", "name", "secret_hash", "certificate_key_hash", "roles", "scope", "expires_us")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SECRET_HASH_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_KEY_HASH_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_US_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    name: str
    secret_hash: bytes
    certificate_key_hash: bytes
    roles: _containers.RepeatedScalarFieldContainer[str]
    scope: TokenScope
    expires_us: int
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., name: _Optional[str] = ..., secret_hash: _Optional[bytes] = ..., certificate_key_hash: _Optional[bytes] = ..., roles: _Optional[_Iterable[str]] = ..., scope: _Optional[_Union[TokenScope, _Mapping]] = ..., expires_us: _Optional[int] = ...) -> None: ...

class Token(_message.Message):
    __slots__ = ("id", "kind", "name", "roles", "scope", "created_us", "created_by", "expires_us", "revoked_us", "revoked_by")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    CREATED_US_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_US_FIELD_NUMBER: _ClassVar[int]
    REVOKED_US_FIELD_NUMBER: _ClassVar[int]
    REVOKED_BY_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: str
    name: str
    roles: _containers.RepeatedScalarFieldContainer[str]
    scope: TokenScope
    created_us: int
    created_by: str
    expires_us: int
    revoked_us: int
    revoked_by: str
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[str] = ..., name: _Optional[str] = ..., roles: _Optional[_Iterable[str]] = ..., scope: _Optional[_Union[TokenScope, _Mapping]] = ..., created_us: _Optional[int] = ..., created_by: _Optional[str] = ..., expires_us: _Optional[int] = ..., revoked_us: _Optional[int] = ..., revoked_by: _Optional[str] = ...) -> None: ...

class Tokens(_message.Message):
    __slots__ = ("tokens",)
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    tokens: _containers.RepeatedCompositeFieldContainer[Token]
    def __init__(self, tokens: _Optional[_Iterable[_Union[Token, _Mapping]]] = ...) -> None: ...

class RevokeTokenRequest(_message.Message):
    __slots__ = ("head", "token")
    HEAD_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    head: _common_pb2.CallHead
    token: str
    def __init__(self, head: _Optional[_Union[_common_pb2.CallHead, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

"""The verbs of tokens: who may call, and what each may do."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ._frames import Op
from ._proto import common_pb2, trust_pb2
from ._session import Session
from .errors import InvalidArgument
from .records import moment

_SECRET_BYTES = 32


@dataclass(frozen=True)
class Token:
    """A token as the server keeps it: without its secret. ``projects``, ``views`` and ``models``
    are what it is about; empty is everything of the kind.
    """

    id: str
    kind: str
    name: str
    roles: list[str]
    projects: list[str]
    views: list[str]
    models: list[str]
    created: datetime
    created_by: str
    expires: datetime | None
    revoked: datetime | None
    revoked_by: str

    @staticmethod
    def of(message: Any) -> Token:
        scope = message.scope
        return Token(
            message.id, message.kind, message.name, list(message.roles), list(scope.projects),
            list(scope.views), list(scope.models), moment(message.created_us), message.created_by,
            moment(message.expires_us) if message.expires_us else None,
            moment(message.revoked_us) if message.revoked_us else None, message.revoked_by,
        )  # fmt: skip


class NewToken(str):
    """The secret of a token that was just made, which is told only now; ``record`` is the rest."""

    record: Token

    def __repr__(self) -> str:
        return f"NewToken({self.record.id} for {self.record.name})"


class TokenVerbs:
    """What a store does with tokens."""

    _session: Session

    def create_token(
        self,
        name: str,
        roles: Sequence[str] | str,
        projects: Sequence[str] | str = (),
        views: Sequence[str] | str = (),
        models: Sequence[str] | str = (),
        expires: datetime | timedelta | None = None,
    ) -> NewToken:
        """Makes a token that speaks for ``name`` and gives its secret, this once: the secret is
        drawn here, and the server gets its hash.

        The first token is an admin's; from then on callers without one are refused. ``projects``,
        ``views``, ``models``: what it is about, everything where left out. ``expires``: when it
        ends, or after how long. A token for a client certificate is made by ``alula token create``.
        """
        secret = os.urandom(_SECRET_BYTES)
        request = trust_pb2.CreateTokenRequest(
            name=name,
            secret_hash=hashlib.sha256(secret).digest(),
            roles=_names(roles),
            scope=trust_pb2.TokenScope(
                projects=_names(projects), views=_names(views), models=_names(models)
            ),
            expires_us=_micros(expires),
        )
        answer, _ = self._session.call(Op.CREATE_TOKEN, request, trust_pb2.Token, write=True)
        token = NewToken(f"alula_{secret.hex()}")
        token.record = Token.of(answer)
        return token

    def tokens(self) -> list[Token]:
        """Every token that was ever made."""
        answer, _ = self._session.call(Op.LIST_TOKENS, common_pb2.HeadOnly(), trust_pb2.Tokens)
        return [Token.of(message) for message in answer.tokens]

    def revoke_token(self, token: str) -> list[Token]:
        """Ends the token of this id, or all that speak for this name, at once and for good; returns
        those that it ended.
        """
        request = trust_pb2.RevokeTokenRequest(token=token)
        answer, _ = self._session.call(Op.REVOKE_TOKEN, request, trust_pb2.Tokens, write=True)
        return [Token.of(message) for message in answer.tokens]


def _names(words: Sequence[str] | str) -> list[str]:
    return [words] if isinstance(words, str) else list(words)


def _micros(expires: datetime | timedelta | None) -> int:
    if expires is None:
        return 0
    if isinstance(expires, timedelta):
        expires = datetime.now(timezone.utc) + expires
    if expires.tzinfo is None:
        expires = expires.replace(tzinfo=timezone.utc)
    micros = round(expires.timestamp() * 1_000_000)
    if micros <= 0:
        raise InvalidArgument("expires: expected a time after 1970")
    return micros

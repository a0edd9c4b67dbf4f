"""Where a server is, and how to be let in: address, TLS, token."""

from __future__ import annotations

import os
import socket
import ssl
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from ._frames import PREFACE, Kind, Op, encode_frame
from ._proto import trust_pb2
from .errors import InvalidArgument, Refused, Unauthenticated, Unavailable

DEFAULT_ADDRESS = "alula://127.0.0.1:7461"
_PORT = 7461
#: What a TLS handshake agrees on.
CALL_PROTOCOL = "alula/1"
#: The number of the call that shows the token; others come after it.
FIRST_CALL = 1
_KEEP_ALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}


@dataclass(frozen=True)
class Endpoint:
    """One server. ``alulas://`` is TLS; certificates are PEM files."""

    host: str
    port: int
    is_secure: bool = False
    token: str = ""
    authorities: str = ""
    certificate: str = ""
    key: str = ""

    @staticmethod
    def of(
        address: str | None = None,
        token: str | None = None,
        tls_ca: str | os.PathLike[str] | None = None,
        tls_cert: str | os.PathLike[str] | None = None,
        tls_key: str | os.PathLike[str] | None = None,
    ) -> Endpoint:
        """What is given, else what the environment says: ALULA_SERVER, ALULA_TOKEN,
        ALULA_TOKEN_FILE, ALULA_TLS_CA, ALULA_TLS_CERT, ALULA_TLS_KEY.
        """
        said = os.environ.get
        host, port, is_secure = parse_address(address or said("ALULA_SERVER") or DEFAULT_ADDRESS)
        authorities, certificate, key = (
            os.fspath(given) if given else said(name, "")
            for given, name in (
                (tls_ca, "ALULA_TLS_CA"),
                (tls_cert, "ALULA_TLS_CERT"),
                (tls_key, "ALULA_TLS_KEY"),
            )
        )
        secret = token or said("ALULA_TOKEN", "")
        if not secret and (path := said("ALULA_TOKEN_FILE")):
            secret = _token_in(Path(path))
        is_secure = is_secure or bool(authorities or certificate)
        endpoint = Endpoint(host, port, is_secure, secret, authorities, certificate, key)
        if secret and not is_secure and not endpoint.is_local:
            raise Refused(
                f"a token is not sent to {endpoint} in the clear: anybody on the way could take it",
                "use alulas://, with tls_ca= where the certificate is your own",
            )
        return endpoint

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"alula{'s' if self.is_secure else ''}://{host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")

    @cached_property
    def greeting(self) -> bytes:
        """What a connection begins with: the preface, and the token where there is one."""
        if not self.token:
            return PREFACE
        control = trust_pb2.AuthenticateRequest(token=self.token).SerializeToString()
        return PREFACE + encode_frame(Kind.REQUEST, 0, Op.AUTHENTICATE, FIRST_CALL, control)

    @cached_property
    def tls(self) -> ssl.SSLContext | None:
        """How TLS is spoken; None where it is not."""
        if not self.is_secure:
            return None
        try:
            context = ssl.create_default_context(cafile=self.authorities or None)
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.set_alpn_protocols([CALL_PROTOCOL])
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key or None)
        except (OSError, ssl.SSLError) as error:
            raise InvalidArgument(
                f"the certificates given cannot be used: {error}",
                "PEM files are expected: tls_ca=, tls_cert=, tls_key=",
            ) from None
        return context

    def connect(self, timeout: float) -> socket.socket:
        """A connected socket, which speaks no TLS yet; raises Unavailable, with what to do, where
        nobody answers.
        """
        connected: socket.socket | None = None
        try:
            connected = socket.create_connection((self.host, self.port), timeout=timeout)
            set_options(connected)
        except OSError as error:
            if connected is not None:
                connected.close()
            raise self.failure(error) from None
        return connected

    def open(self, timeout: float) -> socket.socket:
        """A connected socket, with TLS where that is spoken; raises Unauthenticated where the
        server is not who it should be.
        """
        context = self.tls
        connected = self.connect(timeout)
        if context is None:
            return connected
        try:
            return context.wrap_socket(connected, server_hostname=self.host)
        except OSError as error:
            connected.close()
            raise self.failure(error) from None

    def failure(self, error: OSError) -> Unavailable | Unauthenticated:
        """Why no connection came about."""
        ended = isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError))
        if isinstance(error, ssl.SSLError) and not ended:
            return Unauthenticated(
                f"TLS with {self} failed: {error.reason or error}",
                "is its certificate of an authority that is trusted here (tls_ca=), and for this "
                "name?",
            )
        return Unavailable(
            f"no server answers at {self}: {error.strerror or error}",
            "start one with: alula serve --data DIR",
        )


def set_options(connected: socket.socket) -> None:
    """Small frames go at once; a peer that vanished without a word is noticed within a minute."""
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE.items():
        if (option := getattr(socket, name, None)) is not None:
            connected.setsockopt(socket.IPPROTO_TCP, option, value)


def parse_address(address: str) -> tuple[str, int, bool]:
    """Host and port of ``alula://HOST:PORT``, and whether it is ``alulas://``."""
    text = address if "://" in address else f"alula://{address}"
    try:
        parts = urlsplit(text)
        port = parts.port or _PORT
    except ValueError:
        parts, port = urlsplit(""), 0
    known = parts.scheme in ("alula", "alulas")
    if not known or not parts.hostname or parts.path not in ("", "/"):
        raise InvalidArgument(
            f'"{address}" is not an address: expected {DEFAULT_ADDRESS}, or alulas:// for TLS'
        )
    return parts.hostname, port, parts.scheme == "alulas"


def _token_in(path: Path) -> str:
    try:
        words = path.read_text("utf-8").split()
    except OSError:
        raise InvalidArgument(f"the token's file {path} cannot be read") from None
    if len(words) != 1:
        raise InvalidArgument(f"{path} does not hold one token")
    return words[0]

"""The manifest of a directory: which files it has, in one order; equal ones are equal bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from .errors import InvalidArgument

MARK = b"alula-directory 1\n"
MOST_FILES = 10_000
MOST_BYTES = 4 << 20
_LINE = re.compile(r"([0-9a-f]{64}) (0|[1-9][0-9]{0,19}) (.+)")


class FileOfDirectory(NamedTuple):
    """A file, by its path within the directory: names parted by ``/``."""

    path: str
    digest: str
    bytes: int


def manifest_of(files: Sequence[FileOfDirectory]) -> bytes:
    """The bytes of the manifest."""
    ordered = sorted(files, key=lambda file: file.path.encode())
    _check(ordered)
    lines = [f"{file.digest} {file.bytes} {file.path}\n".encode() for file in ordered]
    manifest = MARK + b"".join(lines)
    if len(manifest) > MOST_BYTES:
        raise InvalidArgument(
            f"the names of the directory's files have more than {MOST_BYTES} bytes"
        )
    return manifest


def read_manifest(manifest: bytes) -> list[FileOfDirectory]:
    """The files; raises InvalidArgument for whatever is not exactly as it would be written."""
    if not manifest.startswith(MARK) or len(manifest) > MOST_BYTES or manifest[-1:] != b"\n":
        raise InvalidArgument("this artifact is not a directory")
    files = []
    try:
        text = manifest[len(MARK) : -1].decode()
    except UnicodeDecodeError:
        raise InvalidArgument("the manifest of the directory is not UTF-8") from None
    for line in text.split("\n"):
        found = _LINE.fullmatch(line)
        if found is None:
            raise InvalidArgument("a line of the directory's manifest is not DIGEST BYTES PATH")
        files.append(FileOfDirectory(found[3], found[1], int(found[2])))
    if manifest_of(files) != manifest:
        raise InvalidArgument("the files of the directory's manifest are not in order")
    return files


def _check(files: Sequence[FileOfDirectory]) -> None:
    if not files:
        raise InvalidArgument("a directory needs at least one file")
    if len(files) > MOST_FILES:
        raise InvalidArgument(f"a directory has at most {MOST_FILES:,} files, not {len(files):,}")
    paths = {file.path for file in files}
    if len(paths) != len(files):
        raise InvalidArgument("a path is in the directory twice")
    for file in files:
        if not _is_safe(file.path):
            raise InvalidArgument(
                f"{file.path[:200]!r} cannot be in a directory",
                "a path is of plain names parted by '/', without '.', '..', '\\' and control signs",
            )
        names = file.path.split("/")
        for end in range(1, len(names)):
            if "/".join(names[:end]) in paths:
                raise InvalidArgument(f'"{"/".join(names[:end])}" is a file and a directory')


def _is_safe(path: str) -> bool:
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        return False
    names = encoded.split(b"/")
    return (
        len(encoded) <= 1_024
        and all(byte >= 0x20 and byte not in (0x7F, 0x5C) for byte in encoded)
        and all(1 <= len(name) <= 255 and name not in (b".", b"..") for name in names)
    )

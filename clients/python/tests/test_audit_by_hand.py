"""The audit log edited by hand, in its file: what `alula audit verify` finds, and by what."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import CommandLine
from server_process import Server, needs_server

pytestmark = needs_server

DEFINITIONS = "project: p\nentities: [{name: e, keys: {k: int64}}]\n"
COLUMNS = "actor, project, act, object, detail, before, after, verdict"


class Edited:
    """A server whose log has some entries; stopped, its file is anybody's."""

    def __init__(self, server: Server, cli: CommandLine) -> None:
        self.server, self.cli = server, cli
        cli.file("d.yaml", DEFINITIONS)
        cli("apply", "d.yaml")
        for number in range(4):
            cli("run", "start", "--experiment", f"x{number}")
        self.head = cli.json("audit", "verify")["head"]

    def edit(self, act: Callable[[sqlite3.Connection], None]) -> None:
        assert self.server.stop() == 0
        file = sqlite3.connect(self.server.directory / "catalog.sqlite")
        for trigger in ("audit_stays", "audit_remains"):
            file.execute(f"DROP TRIGGER {trigger}")
        act(file)
        file.commit()
        file.close()
        self.server.start()

    def problems(self, *words: str, code: int = 1) -> str:
        return self.cli.run("audit", "verify", *words, code=code).stdout


@pytest.fixture()
def edited(own_server: Server, tmp_path: Path) -> Edited:
    return Edited(own_server, CommandLine(own_server, tmp_path))


def test_nothing_is_wrong_with_what_nobody_touched(edited: Edited) -> None:
    edited.edit(lambda file: None)
    edited.problems("--head", edited.head, code=0)


@pytest.mark.parametrize(
    "statements",
    [
        ["UPDATE audit SET detail = replace(detail, 'x1', 'x9') WHERE number = 3"],
        ["DELETE FROM audit WHERE number = 3"],
        ["DELETE FROM audit WHERE number = 3", "UPDATE audit SET number = number - 1 WHERE number > 3"],
        ["UPDATE audit SET number = 99 WHERE number = 2", "UPDATE audit SET number = 2 WHERE number = 3",
         "UPDATE audit SET number = 3 WHERE number = 99"],
        ["INSERT INTO audit SELECT number + 1, time, actor, verified, project, act, object, detail,"
         " before, after, verdict, request_id, hash FROM audit ORDER BY number DESC LIMIT 1"],
        ["DELETE FROM audit WHERE number > 3"],
        ["DELETE FROM audit"],
    ],
    ids=["edited", "removed", "renumbered", "reordered", "put in", "cut", "emptied"],
)  # fmt: skip
def test_edits_are_found_without_anything_kept_elsewhere(
    edited: Edited, statements: list[str]
) -> None:
    def act(file: sqlite3.Connection) -> None:
        for statement in statements:
            file.execute(statement)

    edited.edit(act)
    edited.problems()


def test_a_chain_made_anew_with_the_key_is_found_by_the_heads_that_are_kept(
    edited: Edited,
) -> None:
    key = edited.server.directory / "audit.key"

    def act(file: sqlite3.Connection) -> None:
        secret = bytes.fromhex(key.read_text().strip())
        file.execute("UPDATE audit SET actor = 'somebody' WHERE number = 2")
        previous = bytes(32)
        rows = file.execute(
            f"SELECT number, time, verified, {COLUMNS}, request_id, hash FROM audit ORDER BY number"
        ).fetchall()
        for number, time, verified, *texts, request, hash in rows:
            content = b"alula audit 1" + struct.pack("<qqB", number, time, verified)
            for part in [*(text.encode() for text in texts), request]:
                content += struct.pack("<I", len(part)) + part
            made = hmac.new(secret, content + previous, hashlib.sha256).digest()
            # The first entry was not changed: the documented form is that of the server.
            assert number > 1 or made == hash
            file.execute("UPDATE audit SET hash = ? WHERE number = ?", (made, number))
            previous = made

    edited.edit(act)
    online = edited.problems()
    assert "was kept" in online, online
    kept = edited.problems("--head", edited.head)
    assert "kept in the head given" in kept, kept

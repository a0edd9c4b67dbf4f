"""Data directories of every format that there was are opened, and answer what they did."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from command_line import CommandLine
from server_process import Server, needs_server

import alula

pytestmark = needs_server

FORMATS = Path(__file__).resolve().parents[3] / "Tests" / "formats"


@pytest.mark.parametrize("archive", sorted(FORMATS.glob("*.tar.gz")), ids=lambda path: path.name)
def test_a_directory_of_an_earlier_format_is_opened(archive: Path, tmp_path: Path) -> None:
    assert archive.stat().st_size < 200 << 10
    expected = json.loads((FORMATS / f"{archive.name.split('.')[0]}.json").read_text())
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    server = Server(tmp_path / "data")
    server.options = ["--backups", str(tmp_path / "backups")]
    server.start()
    run = CommandLine(server, tmp_path)
    with server.connect() as store:
        answer = store.read("s", {"id": list(range(20))}, request={"amount": [1.0] * 20}).to_arrow()
        assert answer.column("x").to_pylist() == expected["x"]
        assert answer.column("note").to_pylist() == expected["note"]
        assert answer.column("x").to_pylist()[13] is None
        checked = store.verify()
        assert checked and checked.history_rows == expected["history_rows"]
        assert store.verify_audit(head=expected["audit_head"])
        with pytest.raises(alula.Incomplete):  # a key of it was forgotten
            store.get_training_set(expected["training_set"])
        assert store.training_sets()[0].digest == expected["digest"]
        model = store.model("m", alias="best")
        (tmp_path / "got").mkdir()
        model.download(tmp_path / "got")
        assert (tmp_path / "got" / "model.bin").read_bytes() == b"not a model at all"
        made = store.backup("again")
        assert made.log_entry == store.status().log_last
    # What the present version makes of it is whole, too.
    run("restore", tmp_path / "backups" / "again", "--data", tmp_path / "restored")
    assert server.stop() == 0
    again = Server(tmp_path / "restored").start()
    with again.connect() as store:
        assert store.verify()
    assert again.stop() == 0

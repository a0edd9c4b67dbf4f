"""Certificates that openssl makes as the tests run."""

from __future__ import annotations

import subprocess
from pathlib import Path


class Certificates:
    """An authority, and what it has signed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ca = str(directory / "ca.pem")
        self._run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                  "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
                  "-subj", "/CN=test authority")  # fmt: skip

    def make(self, name: str, subject: str, alternative: str = "") -> tuple[str, str]:
        """Certificate and key of this name."""
        self._run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                  "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={subject}")  # fmt: skip
        more = self.directory / f"{name}.ext"
        more.write_text(f"subjectAltName={alternative}\n" if alternative else "")
        self._run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                  "-CAcreateserial", "-days", "2", "-extfile", more.name, "-out", f"{name}.pem")  # fmt: skip
        return str(self.directory / f"{name}.pem"), str(self.directory / f"{name}.key")

    def _run(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.directory, check=True,
                       capture_output=True)  # fmt: skip

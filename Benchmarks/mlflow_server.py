"""An MLflow server of the same machine, and a client of it that does no more than it must: HTTP kept alive, JSON."""
from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from typing import Any
from urllib.parse import quote, urlencode

API = "/api/2.0/mlflow/"
PATIENCE = 60


class Server:
    """SQLite, four workers, artifacts through the server: what `mlflow server` does unless told otherwise."""

    def __init__(self, binary: str) -> None:
        self.directory = tempfile.mkdtemp(prefix="mlflow-bench-")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [
            binary, "server", "--backend-store-uri", f"sqlite:///{self.directory}/mlflow.db",
            "--artifacts-destination", f"{self.directory}/artifacts", "--host", "127.0.0.1", "--port", str(self.port),
        ]
        path = f"{os.path.dirname(binary)}:{os.environ['PATH']}"
        self._log = open(os.path.join(self.directory, "log"), "wb")
        self._process = subprocess.Popen(
            command, stdout=self._log, stderr=self._log, start_new_session=True,
            env={**os.environ, "PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"},
        )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _wait(self) -> None:
        give_up = time.monotonic() + 2 * PATIENCE
        while True:
            try:
                if Client(self.port, 2).get("/health", plain=True) == b"OK":
                    break
            except OSError:
                pass
            if self._process.poll() is not None or time.monotonic() > give_up:
                with open(os.path.join(self.directory, "log"), errors="replace") as log:
                    raise SystemExit("mlflow did not start:\n" + log.read()[-2_000:])
            time.sleep(0.2)
        time.sleep(3)  # until its other workers are there

    def stop(self) -> None:
        """Ends the server with its workers, which are in its process group."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
                self._process.wait(15)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        self._log.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Client:
    """One connection; made anew before the server drops it for idling."""

    def __init__(self, port: int, timeout: float = PATIENCE) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        self._used = time.monotonic()

    def _ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        if time.monotonic() - self._used > 2:
            self._connection.close()
        self._connection.request(method, path, body, headers or {})
        self._used = time.monotonic()
        return self._connection.getresponse()

    def get(self, path: str, plain: bool = False, **query: Any) -> Any:
        response = self._ask("GET", path + ("?" + urlencode(query) if query else ""))
        return self._read(path, response, plain)

    def post(self, path: str, **body: Any) -> Any:
        response = self._ask("POST", API + path, json.dumps(body), {"Content-Type": "application/json"})
        return self._read(path, response, False)

    @staticmethod
    def _read(path: str, response: Any, plain: bool) -> Any:
        found = response.read()
        if response.status != 200:
            raise OSError(f"{path}: {response.status} {found[:300]!r}")
        return found if plain else json.loads(found)

    def create_run(self) -> str:
        made = self.post("runs/create", experiment_id="0", start_time=int(time.time() * 1000), run_name="r")
        return str(made["run"]["info"]["run_id"])

    def log(self, run: str, metrics: list[tuple[str, float, int]], params: dict[str, str] | None = None) -> None:
        now = int(time.time() * 1000)
        self.post(
            "runs/log-batch", run_id=run,
            metrics=[{"key": name, "value": value, "timestamp": now, "step": step} for name, value, step in metrics],
            params=[{"key": key, "value": value} for key, value in (params or {}).items()],
        )

    def history(self, run: str, name: str) -> int:
        found = self.get(API + "metrics/get-history", run_id=run, metric_key=name, max_results=25_000)
        return len(found["metrics"])

    def create_model(self, name: str) -> None:
        self.post("registered-models/create", name=name)

    def create_version(self, model: str, **tags: str) -> None:
        self.post(
            "model-versions/create", name=model, source="s3://bucket/models/x",
            tags=[{"key": key, "value": value} for key, value in tags.items()],
        )

    def move(self, model: str, version: int, stage: str) -> None:
        self.post(
            "model-versions/transition-stage", name=model, version=str(version), stage=stage,
            archive_existing_versions=True,
        )

    def set_alias(self, model: str, alias: str, version: int) -> None:
        self.post("registered-models/alias", name=model, alias=alias, version=str(version))

    def by_alias(self, model: str, alias: str) -> int:
        return int(self.get(API + "registered-models/alias", name=model, alias=alias)["model_version"]["version"])

    def by_stage(self, model: str, stage: str) -> int:
        found = self.post("registered-models/get-latest-versions", name=model, stages=[stage])
        return int(found["model_versions"][0]["version"])

    def search_versions(self, where: str, limit: int = 100) -> int:
        found = self.get(API + "model-versions/search", filter=where, max_results=limit)
        return len(found.get("model_versions", []))

    def search_runs(self, where: str, limit: int = 100) -> int:
        found = self.post("runs/search", experiment_ids=["0"], filter=where, max_results=limit)
        return len(found.get("runs", []))

    def put(self, run: str, name: str, path: str) -> None:
        with open(path, "rb") as file:
            place = f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/{quote(name)}"
            response = self._ask("PUT", place, file, {"Content-Length": str(os.path.getsize(path))})
            self._read(place, response, True)

    def fetch(self, run: str, name: str, target: str) -> None:
        place = f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/{quote(name)}"
        response = self._ask("GET", place)
        with open(target, "wb") as file:
            while block := response.read(1 << 20):
                file.write(block)
        if response.status != 200:
            raise OSError(f"{place}: {response.status}")

"""Where the cases of databases run: an embedded engine of their own, or a real Exasol."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import exasol.bucketfs as bfs
import pyexasol

from exallm.local.control import EngineSettings, start, stop
from exallm.local.engine_home import USER, EngineHome
from tests.contract.sql_runner import SqlRunner

PASSWORD_VARIABLE = "EXALLM_TEST_PASSWORD"
BUCKETFS_PASSWORD_VARIABLE = "EXALLM_TEST_BUCKETFS_PASSWORD"
# BucketFS does not tell when a file has reached every node.
_SPREAD_S = 10.0


@dataclass(frozen=True)
class ExasolServer:
    """A real database.

    :param dsn: as pyexasol takes it, with the fingerprint of its certificate if there is one.
    :param user: may create schemas, users, roles, connections and scripts.
    :param bucketfs_url: of its BucketFS, '' where the cases of BucketFS are to be left out.
    """

    dsn: str
    user: str
    bucketfs_url: str = ""


@contextmanager
def local_runner() -> Iterator[SqlRunner]:
    """A runner on an embedded engine that ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        home = EngineHome(Path(folder) / "local")
        start(home, EngineSettings(port=0, workers=2))
        try:
            yield runner_on(home)
        finally:
            stop(home)


def runner_on(home: EngineHome) -> SqlRunner:
    """A runner on an embedded engine that runs."""
    running = home.running()
    assert running is not None
    connect = _connect(running.dsn, USER, home.password(), encryption=False)
    return SqlRunner(connect, _put(running.bucketfs_url, home.bucketfs_password("write"), 0.0))


def exasol_runner(server: ExasolServer) -> SqlRunner:
    """A runner on a real database; passwords come from the environment."""
    connect = _connect(server.dsn, server.user, os.environ[PASSWORD_VARIABLE], encryption=True)
    if not server.bucketfs_url:
        return SqlRunner(connect, None)
    password = os.environ[BUCKETFS_PASSWORD_VARIABLE]
    return SqlRunner(connect, _put(server.bucketfs_url, password, _SPREAD_S))


def _connect(dsn: str, user: str, password: str, encryption: bool) -> Callable[..., Any]:
    def connect(**login: str) -> Any:
        settings = {"user": user, "password": password, **login}
        return pyexasol.connect(dsn=dsn, encryption=encryption, **settings)

    return connect


def _put(url: str, password: str, wait_s: float) -> Callable[[str, bytes], None]:
    bucket = bfs.Service(url, {"default": {"username": "w", "password": password}})["default"]

    def put(path: str, content: bytes) -> None:
        bucket.upload(path, content)
        time.sleep(wait_s)

    return put

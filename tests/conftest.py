"""What many tests share: an embedded engine in a process of its own, connections, the model."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyexasol
import pytest

from exallm.home import exallm_home
from exallm.local.control import EngineSettings, start, stop
from exallm.local.engine_home import USER, EngineHome
from exallm.models.smollm2_source import smollm2_file
from tests.engine_users import Users
from tests.registry_harness import (  # noqa: F401
    install_registry,
    installed_registry,
    installed_versions,
    registry,
    registry_engine,
    three,
)
from tests.udf_harness import RUNTIMES, Runtime, UseEngine, engine_in_use

os.environ["EXASOL_TELEMETRY_DISABLE"] = "1"
_schemas = itertools.count(1)

Connect = Callable[..., Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the tests marked ``exasol`` find a real database."""
    parser.addoption("--dsn", default="", help="host:port of a real Exasol, for -m exasol")
    parser.addoption("--user", default="sys", help="an administrator of that Exasol")
    parser.addoption("--bucketfs-url", default="", help="the BucketFS of that Exasol")


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineHome]:
    """A running engine that the tests of a session share."""
    home = EngineHome(tmp_path_factory.mktemp("engine") / "local")
    start(home, EngineSettings(port=0, workers=2))
    yield home
    stop(home)


@pytest.fixture(scope="session")
def connect(engine: EngineHome) -> Connect:
    """Opens a session on the shared engine; keywords go to ``pyexasol.connect``."""
    return lambda **options: connect_to(engine, **options)


@pytest.fixture(scope="session")
def reader(connect: Connect) -> Iterator[Any]:
    """A session for queries that need no table; nobody changes its settings."""
    with connect() as connection:
        yield connection


@pytest.fixture
def connection(connect: Connect) -> Iterator[Any]:
    """A session with a new schema open, which is dropped afterwards; the engine must live on."""
    with connect() as connection:
        schema = f"TEST_{next(_schemas)}"
        connection.execute(f"CREATE SCHEMA {schema}")
        yield connection
    with connect() as last:
        assert last.execute("SELECT 1").fetchall() == [(1,)]
        last.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


@pytest.fixture(scope="session")
def smollm2_gguf() -> Path:
    """The GGUF file of SmolLM2-135M-Instruct, fetched once."""
    return smollm2_file(exallm_home() / "models", lambda step: None)


def connect_to(home: EngineHome, **options: Any) -> Any:
    """A session on an engine that runs."""
    running = home.running()
    assert running is not None, "the engine is gone"
    settings = {"user": USER, "password": home.password(), "encryption": False, **options}
    return pyexasol.connect(dsn=running.dsn, **settings)


@pytest.fixture(params=RUNTIMES, ids=["mock", "strict"])
def runtime(request: pytest.FixtureRequest) -> Runtime:
    """Each of the two runtimes that run the scripts of ``sql/udfs``."""
    chosen: Runtime = request.param
    return chosen


@pytest.fixture
def use() -> Iterator[UseEngine]:
    """Puts an engine in the place of every model."""
    with engine_in_use() as use:
        yield use


@pytest.fixture
def users(connection: Any, connect: Connect) -> Iterator[Users]:
    """Users and roles beside the test's schema, which end with the test."""
    users = Users(connection, connect)
    yield users
    users.close()

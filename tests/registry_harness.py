"""exallm in a schema of its own on the embedded engine, with packages that hold no model.

Its fixtures are those of ``conftest.py``.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyexasol
import pytest

from exallm.installer.install import activate_local_language, apply_plan, plan_install
from exallm.installer.sql_files import sql_files
from exallm.installer.target import Target, local_target
from exallm.local.control import EngineSettings, start, stop
from exallm.local.engine_home import EngineHome
from exallm.sql_text import quote_identifier, quote_text
from exallm_udfs.manifest import (
    EngineFiles,
    ExtractionSettings,
    GenerationDefaults,
    Manifest,
    PromptSettings,
)
from exallm_udfs.names import package_path
from exallm_udfs.package import describe_file
from exallm_udfs.registry import Registry

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class InstalledRegistry:
    """One installation and a session on it, in which its schema is not open.

    :param buckets: the folder that UDFs see as ``/buckets``.
    """

    target: Target
    connection: Any
    buckets: Path

    @property
    def schema(self) -> str:
        """The schema as SQL text."""
        return quote_identifier(self.target.schema)

    def rows(self, sql: str) -> Rows:
        """The rows of a query in which ``{s}`` stands for the schema."""
        return list(self.connection.execute(sql.replace("{s}", self.schema)).fetchall())

    def run(self, sql: str) -> None:
        """A statement in which ``{s}`` stands for the schema."""
        self.connection.execute(sql.replace("{s}", self.schema))

    def call(self, script: str, *arguments: str | int | None) -> Rows:
        """``EXECUTE SCRIPT``; the rows of one that returns a table."""
        statement = self.connection.execute(call_text(self.schema, script, *arguments))
        return list(statement.fetchall()) if statement.result_type == "resultSet" else []

    def fails(self, code: int, script: str, *arguments: str | int | None) -> str:
        """The message of a call that ends in ``E-EXALLM-MODEL-<code>``."""
        with pytest.raises(pyexasol.ExaQueryError) as caught:
            self.call(script, *arguments)
        message = str(caught.value.message)
        assert f"E-EXALLM-MODEL-{code}: " in message, message
        return message

    def add(
        self, version: int, model: str = "qa", settings: str = "{}", points: bool = False
    ) -> None:
        """Register a package whose only file is no model."""
        manifest = write_package(self.buckets, model, version, points)
        path = f"/buckets/bfsdefault/default/{package_path(model, version)}"
        self.call("REGISTER_MODEL", model, version, path, manifest, settings)

    def champion(self, model: str = "qa") -> int | None:
        """What ``champion`` means, as both the table and the compiled registry have it."""
        found = self.rows(
            "SELECT MODEL_VERSION FROM {s}.MODEL_ALIASES"
            f" WHERE ALIAS_NAME = 'champion' AND MODEL = {quote_text(model)}"
        )
        compiled = self.compiled().models[model].aliases.get("champion")
        assert compiled == (found[0][0] if found else None)
        return compiled

    def compiled(self) -> Registry:
        """The compiled registry."""
        return Registry.decode(self.rows("SELECT {s}.REGISTRY()")[0][0])

    def evaluate_as(
        self, version: int, scores: list[float], model: str = "qa", dataset: str = "T", **more: str
    ) -> str:
        """An evaluation with these F1 scores, row by row, as an operator could write it."""
        count = self.rows("SELECT COUNT(*) FROM {s}.EVALUATIONS")[0][0]
        evaluation = f"{count + 1:032}"
        values = {"options": "{}", "task": "answer", "sha256": sha256(dataset), **more}
        mean = sum(scores) / len(scores)
        self.run(
            f"INSERT INTO {{s}}.EVALUATIONS VALUES ('{evaluation}', '{model}', {version},"
            f" '{sha256(model)}', '{values['task']}', '\"D\".\"{dataset}\"', '{values['sha256']}',"
            f" {len(scores)}, {mean}, {mean}, 1, 1, 0, 10, 10, 1, '{values['options']}', '{{}}',"
            " CURRENT_TIMESTAMP, CURRENT_USER)"
        )
        answers = ", ".join(
            f"('{evaluation}', '{number}', '[]', 'x', {float(score >= 1)}, {score}, TRUE, 'stop',"
            " 1, 1, 1, NULL, NULL)"
            for number, score in enumerate(scores)
        )
        self.run(f"INSERT INTO {{s}}.EVALUATION_ANSWERS VALUES {answers}")
        return evaluation

    def history(self, alias: str = "champion") -> Rows:
        """From, to and kind of each change of an alias, in order."""
        return self.rows(
            "SELECT FROM_VERSION, TO_VERSION, CHANGE_KIND FROM {s}.ALIAS_HISTORY"
            f" WHERE ALIAS_NAME = '{alias}' ORDER BY CHANGE_NUMBER"
        )


def call_text(schema: str, script: str, *arguments: str | int | None) -> str:
    """``EXECUTE SCRIPT`` with its arguments as literals."""
    texts = [str(each) if isinstance(each, int) else quote_text(each) for each in arguments]
    return f"EXECUTE SCRIPT {schema}.{quote_identifier(script)}({', '.join(texts)})"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def write_package(buckets: Path, model: str, version: int, points: bool = False) -> str:
    """A package in the bucket, of a model that writes or points; the text of its manifest."""
    folder = buckets / "bfsdefault" / "default" / package_path(model, version)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "model.gguf").write_bytes(f"GGUF, but no model {version}".encode())
    manifest = Manifest(
        name=model,
        version=version,
        task="answer",
        base=None,
        engines={"openvino": EngineFiles("model.gguf")},
        files=(describe_file(folder / "model.gguf", folder),),
        prompt=None if points else PromptSettings("{ctx}", ("\n",)),
        generation=None if points else GenerationDefaults(8),
        context_length=100,
        tokenizer="model.gguf",
        training=None,
        evaluation=(),
        licence="MIT",
        created_at="2026-01-31T12:00:00Z",
        extraction=ExtractionSettings(16, 8) if points else None,
    ).to_json()
    (folder / "manifest.json").write_text(manifest, encoding="utf-8")
    return manifest


@pytest.fixture(scope="session")
def registry_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineHome]:
    """An engine for the tests of the registry."""
    home = EngineHome(tmp_path_factory.mktemp("registry") / "local")
    running = start(home, EngineSettings(port=0, workers=2))
    with local_target(home, running, "EXALLM").database.connect() as connection:
        activate_local_language(connection, "PYTHON3_EXALLM")
        connection.commit()
    yield home
    stop(home)


@pytest.fixture(scope="session")
def installed_registry(registry_engine: EngineHome) -> Iterator[InstalledRegistry]:
    """One installation for the tests that undo what they did; its sessions do not commit."""
    installed = _install(registry_engine, "REGISTRY")
    installed.connection.set_autocommit(False)
    yield installed
    installed.connection.close()


@pytest.fixture
def registry(installed_registry: InstalledRegistry) -> Iterator[InstalledRegistry]:
    """An installation without models or packages, in a transaction that is rolled back."""
    shutil.rmtree(installed_registry.buckets / "bfsdefault" / "default" / "exallm", True)
    yield installed_registry
    installed_registry.connection.rollback()


@pytest.fixture(scope="session")
def installed_versions(registry_engine: EngineHome) -> Iterator[InstalledRegistry]:
    """The same with the model qa in it."""
    installed = _install(registry_engine, "VERSIONS")
    for version in (1, 2, 3):
        installed.add(version)
    installed.connection.set_autocommit(False)
    yield installed
    installed.connection.close()


@pytest.fixture
def three(installed_versions: InstalledRegistry) -> Iterator[InstalledRegistry]:
    """The model qa with versions 1 to 3, 1 the champion, in a transaction that is rolled back."""
    for version in (1, 2, 3):
        write_package(installed_versions.buckets, "qa", version)
    yield installed_versions
    installed_versions.connection.rollback()


@pytest.fixture
def install_registry(registry_engine: EngineHome) -> Iterator[Callable[[str], InstalledRegistry]]:
    """Installs exallm in a schema of this name; dropped after the test. Its session commits."""
    shutil.rmtree(registry_engine.buckets_root / "bfsdefault" / "default" / "exallm", True)
    made: list[InstalledRegistry] = []

    def install(schema: str) -> InstalledRegistry:
        made.append(_install(registry_engine, schema))
        return made[-1]

    yield install
    for installed in made:
        installed.run("DROP SCHEMA IF EXISTS {s} CASCADE")
        installed.connection.close()


def _install(home: EngineHome, schema: str) -> InstalledRegistry:
    running = home.running()
    assert running is not None
    target = local_target(home, running, schema)
    connection = target.database.connect()
    apply_plan(connection, plan_install(connection, target), lambda step: None)
    connection.execute("CLOSE SCHEMA")
    connection.commit()
    connection.set_autocommit(True)
    return InstalledRegistry(target, connection, home.buckets_root)


def stand_in(registry: InstalledRegistry, name: str, rule: str) -> None:
    """Put a rule into the script of a batch function; its columns stay as sql/udfs has them.

    :param rule: a body of Python with ``run(ctx)``.
    """
    (statement,) = (
        sql
        for file in sql_files("udfs")
        for sql in file.statements()
        if f"SET SCRIPT {name} " in sql
    )
    columns = re.split(r"\nEMITS|\) AS\n%", statement)[1]
    registry.run(
        f"CREATE OR REPLACE PYTHON3_EXALLM SET SCRIPT {{s}}.{name} (...)\n"
        f"EMITS{columns}) AS\n{rule}"
    )

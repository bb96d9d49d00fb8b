"""``exallm data prepare`` as a person calls it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

pytest.importorskip("datasketch", reason="the trainer's packages are not installed")

from exallm.cli.data import data
from exallm.local.engine_home import EngineHome
from exallm_udfs.errors import ExallmError

pytestmark = pytest.mark.trainer


@pytest.fixture
def source(tmp_path: Path) -> str:
    """Twelve articles in the project's own form."""
    lines = []
    for number in range(12):
        paragraph = " ".join(f"word{number}x{at}" for at in range(30))
        lines += [f"# Article {number}", "", paragraph, f"? Which {number}?", f"= word{number}x3"]
        lines += ["? What is wrong?", "= nowhere", ""]
    (tmp_path / "own.txt").write_text("\n".join(lines), encoding="utf-8")
    return f"questions:{tmp_path / 'own.txt'}"


def call(*arguments: Any) -> Result:
    return CliRunner().invoke(data, ["prepare", *map(str, arguments)])


def test_the_counts_are_shown(source: str, tmp_path: Path) -> None:
    result = call(
        "--source",
        source,
        "--licence",
        "own=MIT",
        "--validation-share",
        0.3,
        "--out",
        tmp_path / "out",
    )
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.output.splitlines()]
    assert ["own", "MIT", "12", "12", "24"] in rows
    assert ["question", "own", "answer", "not", "in", "its", "context", "12"] in rows
    assert {row[0]: row[2] for row in rows if row and row[0] in ("train", "validation")} == {
        "train": str(len((tmp_path / "out" / "train.jsonl").read_text().splitlines())),
        "validation": str(len((tmp_path / "out" / "validation.jsonl").read_text().splitlines())),
    }


def test_json_is_the_card(source: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = call("--source", source, "--validation-share", 0.3, "--out", out, "--json")
    assert json.loads(result.stdout) == json.loads((out / "card.json").read_text())


def test_a_query_in_the_embedded_engine(
    tmp_path: Path,
    engine: EngineHome,
    connection: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EXALLM_HOME", str(engine.folder.parent))
    table = f"{connection.current_schema()}.NOTES"
    connection.execute(f"CREATE TABLE {table} (ID DECIMAL(9), BODY VARCHAR(2000))")
    rows = ", ".join(f"({n}, 'Note {n} tells of matter {n}{n}.')" for n in range(5))
    connection.execute(f"INSERT INTO {table} VALUES {rows}")
    query = f"notes=exasol:SELECT BODY FROM {table} WHERE ID > 0"
    options = ("--column", "text=body", "--validation-share", "0", "--out", tmp_path / "out")
    result = call("--local", "--source", query, *options)
    assert result.exit_code == 0, result.output
    lines = (tmp_path / "out" / "train-texts.jsonl").read_text(encoding="utf-8").splitlines()
    assert sorted(json.loads(line)["text"] for line in lines) == [
        f"Note {n} tells of matter {n}{n}." for n in range(1, 5)
    ]
    assert engine.password() not in (tmp_path / "out" / "card.json").read_text(encoding="utf-8")


def test_options_that_name_nothing_are_bad_usage(source: str, tmp_path: Path) -> None:
    for options in (
        ("--licence", "other=MIT"),
        ("--licence", "own"),
        ("--column", "answer=A"),
        ("--dsn", "host:8563"),
        ("--local", "--dsn", "host:8563"),
        ("--validation-share", "1"),
    ):
        result = call("--source", source, "--out", tmp_path / "out", *options)
        assert result.exit_code == 2, result.output
    assert not (tmp_path / "out").exists()


def test_an_error_reaches_the_caller(tmp_path: Path) -> None:
    result = call("--source", "squad:none.json", "--out", tmp_path / "out")
    assert isinstance(result.exception, ExallmError)
    assert result.exception.code == "E-EXALLM-DATA-6"

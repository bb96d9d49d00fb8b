"""``/buckets`` as a UDF process sees it, while the files lie elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exallm.local.udf.isolation import Isolation
from tests.udf_calls import (
    ENVIRONMENT,
    TEXT_TO_TEXT,
    batch,
    call,
    failure,
)

BUCKET_SCRIPT = """
import glob, os, pathlib, shutil, sys
M = "/buckets/bfsdefault/default/models"
def run(ctx):
    return repr(eval(ctx.x))
"""


@pytest.fixture(scope="module")
def bucket_values(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    root = tmp_path_factory.mktemp("buckets")
    models = root / "bfsdefault/default/models"
    (models / "sub").mkdir(parents=True)
    (models / "a.txt").write_text("alpha")
    (models / "sub" / "bucket_module.py").write_text("X = 41 + 1")
    outside = tmp_path_factory.mktemp("outside")
    isolation = Isolation(writable=(outside,))
    environment = replace(ENVIRONMENT, buckets_root=root, isolation=isolation)
    with call(TEXT_TO_TEXT, BUCKET_SCRIPT, environment) as udf:

        def value_of(expression: str) -> str:
            text = expression.replace("OUT", repr(str(outside))).replace("FOLDER", repr(str(root)))
            (found,) = udf.scalar_values(batch([text])).to_pylist()
            return str(found)

        yield value_of


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("open(M + '/a.txt').read()", "'alpha'"),
        ("pathlib.Path(M, 'a.txt').read_bytes()", "b'alpha'"),
        ("open(os.fsencode(M) + b'/a.txt').read()", "'alpha'"),
        ("os.path.exists(M), os.path.isdir(M), os.path.isfile(M + '/no')", "(True, True, False)"),
        ("os.path.getsize(M + '/a.txt')", "5"),
        ("sorted(os.listdir(M))", "['a.txt', 'sub']"),
        ("os.listdir('/buckets')", "['bfsdefault']"),
        ("[e.path for e in os.scandir(M) if e.is_file()]", "['{M}/a.txt']"),
        ("sorted(glob.glob(M + '/*'))", "['{M}/a.txt', '{M}/sub']"),
        ("sorted(map(str, pathlib.Path(M).rglob('*.py')))", "['{M}/sub/bucket_module.py']"),
        ("[d for d, _, _ in os.walk(M)]", "['{M}', '{M}/sub']"),
        ("os.read(os.open(M + '/a.txt', os.O_RDONLY), 9)", "b'alpha'"),
        ("open(shutil.copy(M + '/a.txt', OUT)).read()", "'alpha'"),
        ("sorted(os.listdir(shutil.copytree(M, OUT + '/tree')))", "['a.txt', 'sub']"),
        ("sys.path.append(M + '/sub') or __import__('bucket_module').X", "42"),
        ("os.access(M, os.R_OK), os.access(M, os.W_OK)", "(True, False)"),
        ("os.path.realpath(M + '/sub/../a.txt')", "'{M}/a.txt'"),
        ("os.environ['EXALLM_BUCKETS_ROOT'] == FOLDER", "True"),
        ("os.path.exists('/buckets/../' + os.path.basename(FOLDER))", "False"),
    ],
)
def test_buckets_are_readable(bucket_values: Any, expression: str, expected: str) -> None:
    models = "/buckets/bfsdefault/default/models"
    assert bucket_values(expression) == expected.replace("{M}", models)


@pytest.mark.parametrize(
    "expression",
    [
        "open(M + '/new', 'w')",
        "open(M + '/a.txt', 'r+')",
        "open(M + '/a.txt', mode='ab')",
        "os.open(M + '/a.txt', os.O_RDWR)",
        "os.mkdir(M + '/new')",
        "os.remove(M + '/a.txt')",
        "os.rename(OUT, M + '/new')",
        "pathlib.Path(M, 'new').touch()",
        "os.chmod(path=M, mode=0o777)",
        "shutil.rmtree(M)",
    ],
)
def test_buckets_are_read_only(tmp_path: Path, expression: str) -> None:
    (tmp_path / "bfsdefault/default/models").mkdir(parents=True)
    (tmp_path / "bfsdefault/default/models/a.txt").write_text("alpha")
    environment = replace(ENVIRONMENT, buckets_root=tmp_path)
    text = expression.replace("OUT", repr(str(tmp_path)))
    error = failure(TEXT_TO_TEXT, BUCKET_SCRIPT, batch([text]), environment=environment)
    assert "OSError: [Errno 30] Read-only file system: '/buckets/" in error.text
    assert (tmp_path / "bfsdefault/default/models/a.txt").read_text() == "alpha"


def test_a_missing_bucket_file_is_told_by_its_own_path(tmp_path: Path) -> None:
    environment = replace(ENVIRONMENT, buckets_root=tmp_path)
    rows = batch(["open('/buckets/x/y')"])
    error = failure(TEXT_TO_TEXT, BUCKET_SCRIPT, rows, environment=environment)
    assert error.text.endswith("No such file or directory: '/buckets/x/y'")

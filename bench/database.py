"""exallm on an embedded engine of the bench's own, reached as any client reaches it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyexasol

from bench.error import BenchError
from bench.questions import Question
from exallm.installer.statements import execute
from exallm.sql_text import quote_text
from exallm_udfs.manifest import Manifest
from exallm_udfs.prompt import build_prompt

_ROWS_AT_ONCE = 200
_CREATE = """
CREATE OR REPLACE TABLE QUESTIONS (
    ROW_ID VARCHAR(100),
    DOCUMENT DECIMAL(18, 0),
    QUESTION VARCHAR(2000000),
    CONTEXT VARCHAR(2000000),
    CTX VARCHAR(2000000)
)"""


@dataclass(frozen=True)
class Answers:
    """What one statement gave.

    :param seconds: of the whole statement: processes, loading the model, all rows.
    :param rows: one for each row id, keys in upper case.
    """

    seconds: float
    rows: Mapping[str, Mapping[str, Any]]


class Database:
    """An open connection with exallm installed, and facts of the installed model.

    :param pid: of the engine's process.
    :param buckets: the folder that UDFs see as ``/buckets``.

    Every method raises E-EXALLM-DEPLOY-1 with the database's own words where it refuses.
    """

    def __init__(self, connection: Any, pid: int, buckets: Path) -> None:
        self._connection = connection
        self.pid = pid
        row = self._run(
            "SELECT V.PACKAGE_PATH, V.MANIFEST FROM EXALLM.MODEL_VERSIONS V "
            "INNER JOIN EXALLM.CURRENT_MODELS C "
            "ON V.MODEL = C.MODEL AND V.MODEL_VERSION = C.MODEL_VERSION "
            "WHERE C.MODEL = 'qa' AND C.ALIAS_NAME = 'champion'"
        )[0]
        self.manifest = Manifest.from_json(row["MANIFEST"])
        package = buckets / row["PACKAGE_PATH"].removeprefix("/buckets/")
        self.model_path = package / self.manifest.engines["openvino"].path
        self._run("CREATE SCHEMA IF NOT EXISTS BENCH")
        self._run("OPEN SCHEMA BENCH")

    def prompt(self, question: Question) -> str:
        """The whole prompt that the model gets for a question."""
        return build_prompt(self.manifest.writing()[0].template, question.ctx)

    def load(self, questions: Sequence[Question]) -> None:
        """Fill the table QUESTIONS with these rows, in their order."""
        self._run(_CREATE)
        for start in range(0, len(questions), _ROWS_AT_ONCE):
            values = ", ".join(_values(q) for q in questions[start : start + _ROWS_AT_ONCE])
            self._run(f"INSERT INTO QUESTIONS VALUES {values}")

    def answer_batch(self, processes: int, options: Mapping[str, Any]) -> Answers:
        """AI_ANSWER_BATCH over all QUESTIONS, spread by passage.

        :raises BenchError: for a row error: the bench's rows have none.
        """
        answers = self._timed(
            "SELECT EXALLM.AI_ANSWER_BATCH(ROW_ID, QUESTION, CONTEXT, "
            f"{quote_text(json.dumps(options))}) FROM QUESTIONS "
            f"GROUP BY IPROC(), MOD(DOCUMENT, {processes})"
        )
        failed = [row for row in answers.rows.values() if row["ERROR_CODE"] is not None]
        if failed:
            raise BenchError(f"AI_ANSWER_BATCH gave {len(failed)} row errors: {failed[0]}")
        return answers

    def answer_scalar(self) -> Answers:
        """GPT2_INFERENCE over all QUESTIONS; the answer is in the column ANSWER."""
        return self._timed("SELECT ROW_ID, EXALLM.GPT2_INFERENCE(CTX) AS ANSWER FROM QUESTIONS")

    def _timed(self, sql: str) -> Answers:
        began = time.perf_counter()
        rows = self._run(sql)
        seconds = time.perf_counter() - began
        return Answers(seconds, {row["ROW_ID"]: row for row in rows})

    def _run(self, sql: str) -> list[dict[str, Any]]:
        result = execute(self._connection, sql)
        if result.result_type != "resultSet":
            return []
        names = [name.upper() for name in result.column_names()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


@contextmanager
def open_database(folder: Path, processes: int) -> Iterator[Database]:
    """Start an engine below ``folder``, install exallm as a user does, connect; stop it at the end.

    :param processes: the most UDF processes that one call may have.
    """
    environment = {**os.environ, "EXALLM_HOME": str(folder)}
    _exallm(environment, "local", "stop")
    facts = json.loads(
        _exallm(environment, "local", "start", "--port", "0", "--workers", str(processes), "--json")
    )
    try:
        _exallm(environment, "install", "--local")
        with pyexasol.connect(
            dsn=facts["dsn"],
            user=facts["user"],
            password=Path(facts["password_file"]).read_text(),
            encryption=False,
        ) as connection:
            yield Database(connection, facts["pid"], Path(facts["folder"]) / "buckets")
    finally:
        _exallm(environment, "local", "stop")


def add_model(folder: Path, source: str, name: str) -> None:
    """``exallm model add`` for the engine that runs below ``folder``; the model means this version.

    An earlier bench may have left another version under the name.
    """
    environment = {**os.environ, "EXALLM_HOME": str(folder)}
    _exallm(environment, "model", "add", source, "--name", name, "--alias", "champion", "--local")


def _exallm(environment: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "exallm.cli.main", *arguments],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise BenchError(f"exallm {' '.join(arguments)}: {lines[-1]}")
    return done.stdout


def _values(question: Question) -> str:
    texts = (question.question, question.context, question.ctx)
    written = ", ".join(quote_text(text) for text in texts)
    return f"({quote_text(question.row_id)}, {question.document}, {written})"

"""Asks every node of a database whether a container runs there."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import Any

import pyexasol

from exallm.installer.install import in_language
from exallm.installer.script_languages import SESSION, activate
from exallm.installer.sql_files import sql_files
from exallm.installer.statements import run, value
from exallm.installer.target import DatabaseTarget
from exallm.models.source import Progress
from exallm.sql_text import quote_identifier
from exallm_udfs.errors import ExallmError

_SCRIPT_FILE = "U__container_report.sql"
_PAUSE_S = 1.0
_ASK_LIMIT_S = 120
# A thousand rows are spread over all nodes.
_DOUBLINGS = 10
_SHOWN = 300


@dataclass(frozen=True)
class NodeReport:
    """What one node's container says (``exallm_udfs.container_report``)."""

    node: int
    report: dict[str, Any]

    @property
    def build(self) -> str | None:
        """Which container it is."""
        facts = self.report["facts"]
        return facts["build"] if facts else None


@dataclass(frozen=True)
class Probe:
    """What is asked.

    :param url: of the container, as SCRIPT_LANGUAGES would have it.
    :param build: the container that has to answer, None for any.
    :param accelerator: what the script asks for, None for nothing.
    :param deadline_s: seconds until the nodes that have not answered are given up.
    """

    url: str
    build: str | None
    accelerator: str | None
    deadline_s: float


def wait_for_nodes(
    database: DatabaseTarget, probe: Probe, told: Progress
) -> tuple[NodeReport, ...]:
    """Ask every node until each has answered out of the container.

    Nothing is left in the database: each question is a transaction that is rolled back, under an
    alias that the session alone has.

    :raises ExallmError: E-EXALLM-SLC-10 with the nodes that did not answer in time.
    """
    with database.session() as connection:
        count = int(value(connection, "SELECT NPROC() FROM DUAL"))
    end = time.monotonic() + probe.deadline_s
    answers: dict[int, NodeReport] = {}
    problem = "nothing was heard of it"
    while True:
        for node in range(count):
            if node in answers:
                continue
            told(f"waiting for node {node}, {len(answers)} of {count} have answered")
            left_s = max(end - time.monotonic(), 1)
            answer = _ask(database, probe, node, int(min(left_s, _ASK_LIMIT_S)))
            if isinstance(answer, NodeReport):
                answers[node] = answer
            else:
                problem = answer
            if time.monotonic() > end:
                break
        if len(answers) == count:
            return tuple(answers[node] for node in range(count))
        if time.monotonic() + _PAUSE_S > end:
            raise _silent(sorted(set(range(count)) - set(answers)), probe, problem)
        time.sleep(_PAUSE_S)


def _ask(database: DatabaseTarget, probe: Probe, node: int, limit_s: int) -> NodeReport | str:
    """One node's report, or why there is none yet."""
    schema = f"EXALLM_PROBE_{secrets.token_hex(6).upper()}"
    with database.session() as connection:
        _prepare(connection, schema, probe, limit_s)
        seeds = f"(SELECT SEED FROM {quote_identifier(schema)}.SEEDS WHERE IPROC() = {node})"
        call = f"SELECT {quote_identifier(schema)}.CONTAINER_REPORT(SEED) FROM {seeds}"
        try:
            rows = run(connection, f"{call} GROUP BY IPROC()")
        except ExallmError as error:
            return error.problem
        finally:
            connection.rollback()
    if not rows:
        return "it had no row to answer"
    answer = NodeReport(int(rows[0][0]), json.loads(rows[0][1]))
    if probe.build is not None and answer.build != probe.build:
        return "another container answered"
    return answer


def _prepare(connection: pyexasol.ExaConnection, schema: str, probe: Probe, limit_s: int) -> None:
    run(connection, f"CREATE SCHEMA {quote_identifier(schema)}")
    run(connection, "CREATE TABLE SEEDS (SEED DECIMAL(9, 0))")
    run(connection, "INSERT INTO SEEDS VALUES (0)")
    for doubling in range(_DOUBLINGS):
        run(connection, f"INSERT INTO SEEDS SELECT SEED + {2**doubling} FROM SEEDS")
    alias = f"EXALLM_PROBE_{secrets.token_hex(4).upper()}"
    activate(connection, SESSION, alias, probe.url)
    run(connection, f"ALTER SESSION SET QUERY_TIMEOUT = {limit_s}")
    run(connection, probe_script(alias, probe.accelerator))


def probe_script(alias: str, accelerator: str | None) -> str:
    """CONTAINER_REPORT as its file has it, in another language."""
    (file,) = (file for file in sql_files("udfs") if file.name == _SCRIPT_FILE)
    statement = next(sql for sql in file.statements() if sql.startswith("CREATE"))
    return in_language(statement, alias, accelerator)


def _silent(nodes: list[int], probe: Probe, problem: str) -> ExallmError:
    named = ", ".join(str(node) for node in nodes)
    return ExallmError(
        "E-EXALLM-SLC-10",
        f"node {named} did not answer within {probe.deadline_s:g} s; the last word was: "
        f"{' '.join(problem.split())[:_SHOWN]}",
        "nothing was activated; see whether the node runs and its BucketFS is in step, then deploy"
        " again, with a longer --deadline if the container is large",
    )

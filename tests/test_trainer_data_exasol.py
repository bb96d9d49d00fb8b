"""Tables and queries in Exasol, on the embedded engine."""

from __future__ import annotations

from typing import Any

import pytest

from exallm.local.engine_home import USER, EngineHome
from exallm_trainer.data.document import Document, Paragraph, Question
from exallm_trainer.data.drops import Drops
from exallm_trainer.data.exasol_source import ExasolSource
from exallm_trainer.data.login import ExasolLogin
from exallm_trainer.data.rows import Columns
from exallm_udfs.errors import ExallmError


@pytest.fixture
def login(engine: EngineHome) -> ExasolLogin:
    running = engine.running()
    assert running is not None
    return ExasolLogin(running.dsn, USER, engine.password(), encryption=False)


@pytest.fixture
def table(connection: Any) -> str:
    """A table of questions, by its whole name."""
    name = f"{connection.current_schema()}.ASKED"
    connection.execute(
        f"CREATE TABLE {name} (ID DECIMAL(9), CONTEXT VARCHAR(2000), QUESTION VARCHAR(200),"
        " ANSWER VARCHAR(200))"
    )
    connection.execute(
        f"INSERT INTO {name} VALUES (2, 'Bob sat.', 'Why?', NULL), (1, 'Ann ran.', 'Who?', 'Ann')"
    )
    return name


def test_a_table_and_a_query_give_the_same_whatever_the_order(
    login: ExasolLogin, table: str
) -> None:
    wanted = [
        (Paragraph("Ann ran.", (Question("1", "Who?", ("Ann",)),)),),
        (Paragraph("Bob sat.", (Question("2", "Why?", ()),)),),
    ]
    hashes = set()
    for place in (
        table,
        f"SELECT * FROM {table} ORDER BY ID",
        f"SELECT * FROM {table} ORDER BY ID DESC",
        f"WITH a AS (SELECT * FROM {table}) SELECT * FROM a",
    ):
        source = ExasolSource("db", place, login, Columns())
        documents: list[Document] = list(source.documents(Drops()))
        assert [d.paragraphs for d in documents] == wanted
        hashes.add(source.sha256())
    assert len(hashes) == 1


def test_a_column_that_is_not_there(login: ExasolLogin, table: str) -> None:
    source = ExasolSource("db", f"SELECT CONTEXT, QUESTION FROM {table}", login, Columns())
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-2: .* answers, only CONTEXT, QUESTION"):
        source.sha256()


@pytest.mark.parametrize(
    "place", ["DELETE FROM T", "T; DROP TABLE T", "S.T.U", "EXECUTE SCRIPT S", ""]
)
def test_only_tables_and_queries_are_run(place: str) -> None:
    source = ExasolSource("db", place, ExasolLogin("nowhere:1", "u", "p"), Columns())
    with pytest.raises(ExallmError, match="E-EXALLM-DATA-5"):
        source.sha256()


def test_what_the_database_refuses_is_told_without_the_password(login: ExasolLogin) -> None:
    for place, wrong in (
        ("SELECT NOTHING FROM NOWHERE", login),
        ("S.T", ExasolLogin(login.dsn, USER, "not-the-pass-word", encryption=False)),
        ("S.T", ExasolLogin("127.0.0.1:9", USER, "not-the-pass-word", encryption=False)),
    ):
        with pytest.raises(ExallmError, match="E-EXALLM-DATA-11") as raised:
            ExasolSource("db", place, wrong, Columns()).sha256()
        assert wrong.password not in str(raised.value)
        assert raised.value.__cause__ is None and raised.value.__suppress_context__
        assert wrong.password not in repr(wrong)

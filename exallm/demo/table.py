"""The table DOCS of the demonstration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from exallm.demo.documents import Document
from exallm.installer.statements import run, value
from exallm.sql_text import quote_text

_CREATE = """
CREATE OR REPLACE TABLE DOCS (
    ID DECIMAL(18, 0) NOT NULL,
    QUESTION VARCHAR(2000000),
    GOLD VARCHAR(2000000),
    CTX VARCHAR(2000000) NOT NULL
)"""
_ROWS_AT_ONCE = 500
QUERY = "SELECT id, GPT2_INFERENCE(ctx) FROM docs"


def load(connection: Any, documents: Sequence[Document]) -> None:
    """Fill DOCS in the open schema with these rows."""
    run(connection, _CREATE)
    for start in range(0, len(documents), _ROWS_AT_ONCE):
        rows = ", ".join(_values(row) for row in documents[start : start + _ROWS_AT_ONCE])
        run(connection, f"INSERT INTO DOCS VALUES {rows}")
    run(connection, "COMMIT")


def tokens(connection: Any, answers: Sequence[str | None]) -> tuple[int, int]:
    """Tokens of the texts in DOCS and of the answers, as the model counts them."""
    prompts = value(connection, "SELECT SUM(TOKEN_COUNT('qa', CTX)) FROM DOCS")
    given = [f"({quote_text(answer)})" for answer in answers if answer is not None]
    if not given:
        return int(prompts), 0
    source = f"(VALUES {', '.join(given)}) AS ANSWERS (A)"
    counted = value(connection, f"SELECT SUM(TOKEN_COUNT('qa', A)) FROM {source}")
    return int(prompts), int(counted)


def _values(row: Document) -> str:
    texts = ", ".join(quote_text(text) for text in (row.question, row.gold, row.ctx))
    return f"({row.number}, {texts})"

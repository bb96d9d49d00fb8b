"""The demonstration's own texts and a user's CSV files."""

from __future__ import annotations

from pathlib import Path

import pytest

from exallm.demo.documents import Document, parse_documents, read_documents
from exallm.installer.sql_files import example_text
from exallm_udfs.errors import ExallmError


def test_the_projects_own_texts_are_documents() -> None:
    documents = parse_documents(example_text("docs.csv"), "docs.csv")
    assert 36 <= len(documents) <= 60
    assert [document.number for document in documents] == list(range(1, len(documents) + 1))
    assert all(document.gold and document.gold in document.context for document in documents)


def test_a_text_ends_where_the_answer_begins() -> None:
    document = Document(1, "The mill closed.", "What closed?", "The mill")
    assert document.ctx == "Context: The mill closed.\nQuestion: What closed?\nAnswer:"


def test_a_users_file_needs_context_and_question_only(tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    text = 'question,context,remark\nWho?,"Ann, ""the"" cook\nsang.",x\n,,\n'
    file.write_text("\ufeff" + text, "utf-8")
    assert read_documents(file) == [
        Document(1, 'Ann, "the" cook\nsang.', "Who?", None),
        Document(2, "", "", None),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "E-EXALLM-DATA-2: own.csv has no column context and no column question"),
        ("context,answer\nx,y\n", "E-EXALLM-DATA-2: own.csv has no column question"),
        ("context,question\n", "E-EXALLM-DATA-3: own.csv has no rows"),
        ('context,question\n"never closed,x\n', "E-EXALLM-DATA-3: own.csv, line "),
        ("context,question\na\0b,x\n", "E-EXALLM-DATA-3: own.csv, line 2: "),
        (f"context,question\n{'x' * 2_000_001},y\n", "E-EXALLM-DATA-3: own.csv, line 2: "),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ExallmError) as caught:
        parse_documents(text, "own.csv")
    assert str(caught.value).startswith(message)


def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    latin = tmp_path / "latin.csv"
    latin.write_bytes("context,question\nCaf\xe9,x\n".encode("latin-1"))
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-1: .* is not UTF-8 at byte 20"):
        read_documents(latin)
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-1: .* No such file"):
        read_documents(tmp_path / "nothing.csv")
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-1: .* Is a directory"):
        read_documents(tmp_path)

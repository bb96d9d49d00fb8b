"""Readers of files that need nothing but Python: SQuAD's JSON, the project's own form, tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from exallm_trainer.data import file_text, table_source
from exallm_trainer.data.document import Document, Paragraph, Question
from exallm_trainer.data.drops import Drops
from exallm_trainer.data.file_text import decode
from exallm_trainer.data.questions_source import QuestionsSource
from exallm_trainer.data.rows import Columns
from exallm_trainer.data.rows_sha256 import rows_sha256
from exallm_trainer.data.sources import Access, SourceRequest, open_source, parse_source
from exallm_trainer.data.squad_source import SquadSource
from exallm_trainer.data.table_source import TableSource
from exallm_udfs.errors import ExallmError

QUESTIONS = """# Tin mine

The mine at Oster opened in 1802.
? When did the mine open?
= 1802
= in 1802
? Who owned it?
= -

It closed in 1911.
? When did it close?
= 1911
"""


def read(source: Any) -> list[Document]:
    documents: Iterator[Document] = source.documents(Drops())
    return list(documents)


def error_of(source: Any) -> ExallmError:
    with pytest.raises(ExallmError) as raised:
        read(source)
    return raised.value


def squad(tmp_path: Path, content: Any) -> SquadSource:
    file = tmp_path / "squad.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return SquadSource("squad", file)


def table(tmp_path: Path, name: str, content: bytes, columns: Columns | None = None) -> TableSource:
    file = tmp_path / name
    file.write_bytes(content)
    return TableSource("rows", file, columns or Columns())


def test_the_place_of_an_answer_that_stands_twice_is_kept(tmp_path: Path) -> None:
    context = "Ann ran. Ann fell."
    answers = [{"text": "Ann", "answer_start": 9}]
    asked = {"id": "a", "question": "Who?", "answers": answers}
    article = {"title": "Ann", "paragraphs": [{"context": context, "qas": [asked]}]}
    from_squad = read(squad(tmp_path, {"data": [article]}))
    row = {"context": context, "question": "Who?"}
    told = row | {"answers": {"text": ["Ann"], "answer_start": [9]}}
    untold = row | {"question": "Which?", "answers": "Ann"}
    lines = f"{json.dumps(told)}\n{json.dumps(untold)}\n"
    from_rows = read(table(tmp_path, "rows.jsonl", lines.encode()))
    kept = [q.occurrence for d in (*from_squad, *from_rows) for q in d.paragraphs[0].questions]
    assert kept == [1, 1, None]
    question = from_squad[0].paragraphs[0].questions[0]
    assert question.with_answers(("Ann", "she")).occurrence == 1
    assert question.with_answers(("she",)).occurrence is None


def test_squad_2_with_impossible_questions_and_repeated_answers(tmp_path: Path) -> None:
    asked = [
        {"id": "a", "question": "Who?", "answers": [{"text": "Ann"}, {"text": "Ann"}]},
        {
            "id": "b",
            "question": "Why?",
            "is_impossible": True,
            "answers": [],
            "plausible_answers": [{"text": "rain"}],
        },
    ]
    content = {"data": [{"title": "Ann", "paragraphs": [{"context": "Ann ran.", "qas": asked}]}]}
    questions = (Question("a", "Who?", ("Ann",)), Question("b", "Why?", ()))
    assert read(squad(tmp_path, content)) == [
        Document("squad", "Ann", (Paragraph("Ann ran.", questions),), "Ann")
    ]


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"data": {}},
        {"data": [{"title": "A"}]},
        {"data": [{"paragraphs": [{"context": 5, "qas": []}]}]},
        {"data": [{"paragraphs": [{"context": "A", "qas": [{"question": "Who?"}]}]}]},
        {"data": ["A"]},
    ],
)
def test_what_is_not_squad_is_said_so(tmp_path: Path, content: Any) -> None:
    assert error_of(squad(tmp_path, content)).code == "E-EXALLM-DATA-8"


def test_squad_that_is_cut_off_nested_without_end_or_no_utf8(tmp_path: Path) -> None:
    file = tmp_path / "squad.json"
    for data, code in (
        (b'{"data": [', "E-EXALLM-DATA-8"),
        (b'{"data": ' + b"[" * 200_000, "E-EXALLM-DATA-8"),
        (b'{"data": [\n"\xff"]}', "E-EXALLM-DATA-1"),
    ):
        file.write_bytes(data)
        assert error_of(SquadSource("squad", file)).code == code
    assert "line 2" in str(error_of(SquadSource("squad", file)))
    assert error_of(SquadSource("squad", tmp_path / "none.json")).code == "E-EXALLM-DATA-6"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "squad.json"
    with file.open("wb") as sparse:
        sparse.truncate(file_text.MAX_FILE + 1)
    assert error_of(SquadSource("squad", file)).code == "E-EXALLM-DATA-9"


def test_questions_of_the_projects_own_form(tmp_path: Path) -> None:
    (tmp_path / "mines.txt").write_text(QUESTIONS, encoding="utf-8")
    (tmp_path / "notes.md").write_text("not read", encoding="utf-8")
    opened = (
        Question("mines/Tin mine/1/1", "When did the mine open?", ("1802", "in 1802")),
        Question("mines/Tin mine/1/2", "Who owned it?", ()),
    )
    closed = (Question("mines/Tin mine/2/1", "When did it close?", ("1911",)),)
    expected = Document(
        "own",
        "mines/Tin mine",
        (
            Paragraph("The mine at Oster opened in 1802.", opened),
            Paragraph("It closed in 1911.", closed),
        ),
        "Tin mine",
    )
    assert read(QuestionsSource("own", tmp_path)) == [expected]
    assert read(QuestionsSource("own", tmp_path / "mines.txt")) == [expected]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A paragraph.", 1),
        ("# A\n? Why?", 2),
        ("# A\nText.\n= answer", 3),
        ("# A\nText.\n? Why?\n? How?", 4),
        ("# A\nText.\n? Why?\n\nMore.", 5),
        ("# A\nText.\n? Why?\n# B", 4),
        ("# A\nText.\n? Why?", 3),
        ("# A\nText.\n? Why?\n= -\n= x", 5),
        ("# A\nText.\n? Why?\n= x\n= -", 5),
    ],
)
def test_a_line_out_of_place_is_named(tmp_path: Path, text: str, line: int) -> None:
    file = tmp_path / "q.txt"
    file.write_text(text, encoding="utf-8")
    error = error_of(QuestionsSource("own", file))
    assert error.code == "E-EXALLM-DATA-8"
    assert f"line {line} " in error.problem


ROWS = [
    {"title": "T", "context": "Ann ran.", "question": "Who?", "answers": ["Ann"], "id": 7},
    {"title": "T", "context": "Ann ran.", "question": "Why?", "answers": None, "id": 8},
]
ROWS_READ = [
    Document(
        "rows",
        "T",
        (Paragraph("Ann ran.", (Question("7", "Who?", ("Ann",)), Question("8", "Why?", ()))),),
        "T",
    )
]


def test_json_json_lines_and_parquet_give_the_same(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(row) for row in ROWS)
    assert read(table(tmp_path, "a.jsonl", lines.encode())) == ROWS_READ
    assert read(table(tmp_path, "a.json", json.dumps(ROWS).encode())) == ROWS_READ
    assert read(table(tmp_path, "b.json", json.dumps({"data": ROWS}).encode())) == ROWS_READ
    parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "a.parquet")
    assert read(TableSource("rows", tmp_path / "a.parquet", Columns())) == ROWS_READ


def test_csv_with_other_names_line_breaks_and_rows_that_ask_the_same(tmp_path: Path) -> None:
    content = 'Text,Frage,Antwort\n"Ann\nran.",Who?,Ann\n"Ann\nran.",Who?,ran\nBob sat.,Why?,\n'
    columns = Columns(context="text", question="frage", answers="antwort")
    documents = read(table(tmp_path, "a.csv", content.encode(), columns))
    assert [d.paragraphs[0].text for d in documents] == ["Ann\nran.", "Bob sat."]
    asked = [d.paragraphs[0].questions[0] for d in documents]
    assert [question.answers for question in asked] == [("Ann", "ran"), ()]
    assert all(document.name.startswith("context ") for document in documents)


def test_answers_in_the_form_of_the_hub(tmp_path: Path) -> None:
    row = {"context": "A", "question": "?", "answers": {"text": ["A"], "answer_start": [0]}}
    (document,) = read(table(tmp_path, "a.json", json.dumps([row]).encode()))
    assert document.paragraphs[0].questions[0].answers == ("A",)


def test_texts_without_questions(tmp_path: Path) -> None:
    content = b'{"text": "One."}\n\n{"text": "Two."}\n'
    documents = read(table(tmp_path, "a.jsonl", content))
    assert [d.paragraphs for d in documents] == [(Paragraph("One."),), (Paragraph("Two."),)]


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    content = b"context,question\na,b\n"
    error = error_of(table(tmp_path, "a.csv", content))
    assert error.code == "E-EXALLM-DATA-2"
    assert error.problem == "the source rows has no column answers, only context, question"
    error = error_of(table(tmp_path, "a.csv", content, Columns(answers="reply")))
    assert "no column reply" in error.problem
    assert error_of(table(tmp_path, "a.jsonl", b"")).code == "E-EXALLM-DATA-2"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.jsonl", b'{"context": 1.5, "question": "q", "answers": "a"}', "E-EXALLM-DATA-3"),
        ("a.jsonl", b'{"context": "c", "question": "q", "answers": [[]]}', "E-EXALLM-DATA-3"),
        ("a.jsonl", b'{"context": "c", "question": "q", "answers": true}', "E-EXALLM-DATA-3"),
        ("a.jsonl", b"[1]", "E-EXALLM-DATA-8"),
        ("a.jsonl", b'{"context": "c"', "E-EXALLM-DATA-8"),
        ("a.jsonl", b'{"context": "\xff"}', "E-EXALLM-DATA-1"),
        ("a.json", b'"text"', "E-EXALLM-DATA-8"),
        ("a.json", b"{}", "E-EXALLM-DATA-8"),
        ("a.csv", b"context,question,answer\na,b\n", "E-EXALLM-DATA-8"),
        ("a.csv", b"context,question,answer\na,b,c,d\n", "E-EXALLM-DATA-8"),
        ("a.parquet", b"PAR1", "E-EXALLM-DATA-8"),
        ("a.xlsx", b"", "E-EXALLM-DATA-8"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    assert error_of(table(tmp_path, name, content)).code == code


def test_a_line_without_end_is_refused_before_memory_is(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    with file.open("wb") as sparse:
        sparse.write(b'{"text": "short"}\n')
        sparse.truncate(500 << 20)
    error = error_of(TableSource("rows", file, Columns()))
    assert error.code == "E-EXALLM-DATA-9"
    assert "line 2" in error.problem


def test_a_field_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_source, "MAX_LINE", 1000)
    content = b"context,question,answer\n" + b"a" * 1001 + b",b,c\n"
    assert error_of(table(tmp_path, "a.csv", content)).code == "E-EXALLM-DATA-9"


def test_utf8_and_utf16_with_and_without_a_mark() -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert decode("Grüße\n".encode(encoding)) == "Grüße\n"


def test_a_source_is_written_as_kind_and_place() -> None:
    assert parse_source("squad:some/dev-v1.1.json") == SourceRequest(
        "squad", "some/dev-v1.1.json", "dev-v1.1"
    )
    assert parse_source("own=questions:q/all") == SourceRequest("questions", "q/all", "own")
    assert parse_source("hub:rajpurkar/squad@validation").name == "squad"
    query = parse_source('t=exasol:SELECT "A" FROM S.T WHERE X = 1')
    assert (query.name, query.location) == ("t", 'SELECT "A" FROM S.T WHERE X = 1')
    for wrong in ("squad", "squad:", "pdf:x.pdf", "http://x"):
        with pytest.raises(ExallmError, match="E-EXALLM-DATA-5"):
            parse_source(wrong)


def test_exasol_needs_a_database() -> None:
    with pytest.raises(ExallmError, match="no database is named"):
        open_source(parse_source("exasol:S.T"), Access())


def test_rows_differ_in_their_sha256_when_a_value_that_is_read_does(tmp_path: Path) -> None:
    from exallm_trainer.data.rows import row_reader

    reader = row_reader("r", ["text", "other"], Columns())
    one = rows_sha256(reader, [{"text": "a", "other": 1}])
    assert one == rows_sha256(reader, [{"text": "a", "other": 2}])
    assert one != rows_sha256(reader, [{"text": "b", "other": 1}])
    assert one != rows_sha256(reader, [{"text": "a"}, {"text": "a"}])

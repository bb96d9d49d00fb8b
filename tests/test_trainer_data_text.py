"""Cleaning, chunks, answers and boilerplate."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ftfy", reason="the trainer's packages are not installed")

from exallm_trainer.data.answers import grounded
from exallm_trainer.data.boilerplate import without_boilerplate
from exallm_trainer.data.chunk import TextChunk, chunked, read_chunks, write_chunks
from exallm_trainer.data.clean import clean_text, cleaned
from exallm_trainer.data.document import Document, Paragraph, Question
from exallm_trainer.data.drops import Dropped, Drops
from exallm_trainer.data.file_text import decode
from exallm_udfs.errors import ExallmError

pytestmark = pytest.mark.trainer


def document(*paragraphs: Paragraph | str, name: str = "d") -> Document:
    whole = (p if isinstance(p, Paragraph) else Paragraph(p) for p in paragraphs)
    return Document("s", name, tuple(whole))


def asked(text: str, *questions: tuple[str, tuple[str, ...]]) -> Paragraph:
    return Paragraph(text, tuple(Question(q, q, answers) for q, answers in questions))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("<p>H<sub>2</sub>O is <b>wet</b>.</p><p>So.</p>", "H2O is wet. So."),
        ("a<script>alert('x < y')</script> b<style>p {}</style> c", "a b c"),
        ("a <!-- note --> b", "a b"),
        ("5 < 6 and <EOS> and x<y", "5 < 6 and <EOS> and x<y"),
        ("AT&amp;T &eacute;", "AT&T é"),
        ("cafÃ© â€œopenâ€\x9d", "café “open”"),
        ("“quoted” and «so»", "“quoted” and «so»"),
        ("soft\xadhyphen\u200b \x00\x1b[31mred\x1b[0m\x07", "softhyphen red"),
        ("Cafe\u0301", "Café"),
        ("a \t b\r\nc\n\n\n\nd ", "a b\nc\n\nd"),
        ("क्\u200dष", "क्\u200dष"),
        ("<script>" * 3 + "x", "x"),
    ],
)
def test_clean_text(text: str, clean: str) -> None:
    assert clean_text(text) == clean
    assert clean_text(clean) == clean


def test_a_hundred_thousand_tags_that_do_not_end_take_no_time() -> None:
    assert clean_text("<script>" * 100_000) == ""
    assert clean_text("<a " * 100_000 + "x").endswith("x")


def test_one_old_encoding_and_a_mix_of_it_with_utf8() -> None:
    sentence = "Die Größe der Bäume überrascht jeden, der häufig durch die Wälder läuft."
    assert decode(f"{sentence}\n".encode("cp1252") * 5) == f"{sentence}\n" * 5
    mixed = b"\n".join([sentence.encode(), sentence.encode("cp1252"), sentence.encode()])
    assert decode(mixed) == "\n".join([sentence] * 3)


def test_questions_are_cleaned_with_their_context_so_that_answers_are_still_found() -> None:
    drops = Drops()
    paragraph = asked(
        "The <i>cafÃ©</i>  opened.", ("What&nbsp;\nopened?", ("<i>cafÃ©</i>  opened",))
    )
    clean = grounded(cleaned(document(paragraph), drops), drops)
    assert clean.paragraphs[0].text == "The café opened."
    (question,) = clean.paragraphs[0].questions
    assert (question.text, question.answers) == ("What opened?", ("café opened",))
    assert drops.counts() == ()


def test_what_is_empty_or_unreadable_is_counted_with_its_questions() -> None:
    drops = Drops()
    clean = cleaned(
        document(
            asked("<br>", ("Why?", ("x",))),
            asked("\ufffd\ufffd text", ("Who?", ("text",))),
            asked("A text.", ("\x00", ("text",)), ("What?", ("<br>",)), ("When?", ())),
        ),
        drops,
    )
    assert [p.text for p in clean.paragraphs] == ["A text."]
    assert [q.text for q in clean.paragraphs[0].questions] == ["When?"]
    counted = {(d.unit, d.reason): d.count for d in drops.counts()}
    assert counted == {
        ("paragraph", "no text"): 1,
        ("paragraph", "broken encoding"): 1,
        ("question", "no text"): 2,
        ("question", "broken encoding"): 1,
        ("question", "no text in the answers"): 1,
    }


def test_answers_that_are_not_in_their_context_are_dropped_and_counted() -> None:
    drops = Drops()
    kept = grounded(
        document(
            asked("Ann ran.", ("Who?", ("Ann", "ann")), ("Where?", ("Rome",)), ("Why?", ())),
            asked("Bob sat.", ("Where?", ("Rome",))),
        ),
        drops,
    )
    assert [q.answers for p in kept.paragraphs for q in p.questions] == [("Ann",), ()]
    reason = "answer not in its context"
    assert drops.counts() == (
        Dropped("s", "answer", reason, 1, ("Who?",)),
        Dropped("s", "paragraph", "no question left", 1, ("d",)),
        Dropped("s", "question", reason, 2, ("Where?",)),
    )


def test_lines_that_repeat_across_documents_are_boilerplate() -> None:
    drops = Drops()
    documents = [
        document(f"Page {n} of 9", f"Text {chr(97 + n)}\nAll rights reserved.", name=str(n))
        for n in range(4)
    ]
    question = asked("The same line.", ("Which?", ("same",)))
    documents += [document(question, name=f"q{n}") for n in range(3)]
    kept = without_boilerplate(documents, drops)
    assert [p.text for d in kept for p in d.paragraphs] == [
        "Text a",
        "Text b",
        "Text c",
        "Text d",
        *["The same line."] * 3,
    ]
    counted = {(d.unit, d.reason): d.count for d in drops.counts()}
    assert counted == {("line", "boilerplate"): 8, ("paragraph", "boilerplate"): 4}


def test_two_documents_alike_have_no_boilerplate() -> None:
    documents = [document("A line.", name=name) for name in "ab"]
    assert without_boilerplate(documents, Drops()) == documents


def test_chunks_end_with_paragraphs_then_sentences_then_words() -> None:
    text = " ".join(["w"] * 10) + ". " + " ".join(["v"] * 10) + "."
    long = " ".join(str(n) for n in range(40))
    chunks = chunked(document("One two.", "Three four.", text, long), 16).paragraphs
    assert [len(p.text.split()) for p in chunks] == [14, 10, 16, 16, 8]
    assert chunks[0].text.startswith("One two.\n\nThree four.\n\nw w")
    assert [p.position for p in chunks] == [0, 1, 2, 3, 4]


def test_a_paragraph_with_questions_stays_whole_and_parts_the_chunks() -> None:
    question = asked(" ".join(["w"] * 40), ("Which?", ("w",)))
    chunks = chunked(document("Before.", question, "After."), 16).paragraphs
    assert chunks == (Paragraph("Before.", position=0), question, Paragraph("After.", position=1))


def test_chunks_are_read_as_they_were_written(tmp_path: Path) -> None:
    chunks = [TextChunk("s", "d", 0, "a\u2028b\r\nc"), TextChunk("s", "d", 2, "é")]
    write_chunks(tmp_path / "t.jsonl", chunks)
    assert read_chunks(tmp_path / "t.jsonl") == chunks
    (tmp_path / "t.jsonl").write_text('{"text": "x"}\n', encoding="utf-8")
    with pytest.raises(ExallmError, match="E-EXALLM-DATA-4"):
        read_chunks(tmp_path / "t.jsonl")

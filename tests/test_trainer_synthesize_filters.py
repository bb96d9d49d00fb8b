"""Replies that are read, and questions that are let through or left out by a reason."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from exallm_trainer.synthesize import filters, language
from exallm_trainer.synthesize.candidate import Candidate, Passage
from exallm_trainer.synthesize.prompt import Pair, Reply, read_reply, synthesis_prompt
from exallm_trainer.synthesize.settings import SynthesisSettings
from exallm_trainer.synthesize.word_list import read_word_list
from exallm_udfs.errors import ExallmError

TEXT = "The mill of Leith was built in 1682 by Hugo Varga (miller). Write to hugo@leith.example."
PASSAGE = Passage("own", "mill", TEXT, hashlib.sha256(TEXT.encode()).hexdigest())
GOOD = Candidate("1", PASSAGE, "When was the mill built?", "1682", "2026-11-21T12:00:00Z")


def test_the_prompt_holds_the_passage_as_it_is() -> None:
    prompt = synthesis_prompt("a {count} of {passage} \\1", 4)
    assert "write 4 questions" in prompt and "a {count} of {passage} \\1" in prompt


@pytest.mark.parametrize(
    "text",
    [
        "Question: When?\nAnswer: 1682\n\nQuestion: Who?\nAnswer: Hugo",
        "1. **Question:** When?\n   **Answer:** 1682\n2. **Question:** Who?\n   **Answer:** Hugo",
        "Sure!\n\nQ1: When?\nA1: 1682\nQ2: Who?\nA2: 'Hugo'\nI hope this helps.",
        "- question. When?\n- ANSWER. \u201c1682\u201d\n* Question 2: Who?\n* Answer 2: `Hugo`",
        "1) When?\nAnswer: 1682\n2) Who?\nAnswer: Hugo",
    ],
)
def test_replies_in_many_forms_are_read(text: str) -> None:
    assert read_reply(text, False) == Reply((Pair("When?", "1682"), Pair("Who?", "Hugo")), 0)


@pytest.mark.parametrize(
    ("text", "cut", "pairs", "broken"),
    [
        ("", False, 0, 1),
        ("I cannot do that.", False, 0, 1),
        ("Question: When?", False, 0, 1),
        ("Answer: 1682", False, 0, 1),
        ("Question: When?\nAnswer:", False, 0, 1),
        ("Question: When?\nQuestion: Who?\nAnswer: Hugo", False, 1, 1),
        ("Question: When?\nAnswer: 1682\nQuestion: Who?\nAnswer: Hu", True, 1, 1),
        ("Question: When?\nAnswer: 1682\nQuestion: Wh", True, 1, 1),
    ],
)
def test_what_is_broken_is_counted(text: str, cut: bool, pairs: int, broken: int) -> None:
    reply = read_reply(text, cut)
    assert (len(reply.pairs), reply.broken) == (pairs, broken)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("1682", "1682"),
        ("hugo varga", "Hugo Varga"),
        ("Hugo Varga.", "Hugo Varga"),
        ("(miller).", "(miller)."),
        ("art", "art"),
        ("...", "..."),
        ("1703", "1703"),
    ],
)
def test_an_answer_is_spelt_as_in_the_passage(answer: str, found: str) -> None:
    assert filters.as_it_stands(answer, TEXT) == found


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("1682", None),
        ("(miller)", None),
        ("ugo", "answer not in its passage"),
        ("168", "answer not in its passage"),
        ("hugo varga", "answer not in its passage"),
        ("1703", "answer not in its passage"),
    ],
)
def test_an_answer_stands_in_its_passage(answer: str, reason: str | None) -> None:
    assert filters.grounded(replace(GOOD, answer=answer)) == reason


def test_lengths() -> None:
    judge = filters.length(SynthesisSettings(most_question_words=6, most_answer_words=2))
    assert judge(GOOD) is None
    assert judge(replace(GOOD, question="When built?")) == "question too short"
    assert judge(replace(GOOD, question="When " * 7)) == "question too long"
    assert judge(replace(GOOD, answer="built in 1682")) == "answer too long"


def test_a_question_does_not_say_its_answer() -> None:
    assert filters.not_given_away(GOOD) is None
    given = replace(GOOD, question="Was it Hugo  Varga who built it?", answer="hugo varga")
    assert filters.not_given_away(given) == "answer in its question"
    assert filters.not_given_away(replace(given, answer="Hugo V")) is None


def test_questions_are_asked_once_about_a_passage() -> None:
    judge = filters.new(SynthesisSettings())
    assert judge(GOOD) is None
    assert judge(replace(GOOD, question="when was the mill built")) == "duplicate"
    long = "In which year was the old mill of Leith by the river built?"
    assert judge(replace(GOOD, question=long)) is None
    assert judge(replace(GOOD, question=long.replace("old ", ""))) == "duplicate"
    assert judge(replace(GOOD, question=long.replace("was the old", "did the new"))) is None
    other = replace(PASSAGE, sha256="other")
    assert judge(replace(GOOD, passage=other)) is None


def test_personal_data_is_left_out() -> None:
    assert filters.without_personal_data(GOOD) is None
    leak = replace(GOOD, answer="hugo@leith.example")
    assert filters.without_personal_data(leak) == "personal data: e-mail"
    asked = replace(GOOD, question="Who has the card 4111 1111 1111 1111?")
    assert filters.without_personal_data(asked) == "personal data: card number"


def test_words_are_found_whole_and_in_any_case() -> None:
    judge = filters.without_words(("Damn", "old  fool"))
    assert judge(GOOD) is None
    assert judge(replace(GOOD, question="When was the DAMN mill built?")) == "harmful word"
    assert judge(replace(GOOD, question="When was the damned mill built?")) is None
    assert judge(replace(GOOD, answer="Old fool!")) == "harmful word"
    assert judge(replace(GOOD, answer="old but no fool")) is None


def test_a_word_list_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("# of our house\n\n  damn \nold fool\n...\n", encoding="utf-8")
    assert read_word_list(file) == ("damn", "old fool")
    file.write_text("# none\n")
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-30.*no words"):
        read_word_list(file)
    file.write_bytes(b"\xff\n")
    with pytest.raises(ExallmError, match="E-EXALLM-DATA-1"):
        read_word_list(file)


def test_a_language_without_its_package_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(language, "find_spec", lambda name: None)
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-34.*py3langid"):
        language.in_language("en")


def test_questions_in_another_language_are_left_out() -> None:
    pytest.importorskip("py3langid", reason="the trainer's packages are not installed")
    judge = language.in_language("en")
    assert judge(GOOD) is None
    german = replace(GOOD, question="In welchem Jahr wurde die Mühle am Fluss gebaut?")
    assert judge(german) == "in another language: de"
    assert language.in_language("de")(german) is None
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-30.*klingon is unknown"):
        language.in_language("klingon")


@pytest.mark.parametrize(
    "change",
    [
        {"questions": 0},
        {"questions": 21},
        {"passages": 0},
        {"chunk_words": 15},
        {"least_question_words": 0},
        {"least_question_words": 5, "most_question_words": 4},
        {"most_answer_words": 0},
        {"round_trip_f1": 0.0},
        {"harmful_from": 1.5},
    ],
)
def test_settings_that_contradict(change: dict[str, float]) -> None:
    with pytest.raises(ExallmError, match="E-EXALLM-DATA-30"):
        SynthesisSettings(**change)  # type: ignore[arg-type]

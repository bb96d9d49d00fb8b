"""Scores, intervals, slices and failures of answers that no model had to give."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from exallm_trainer.evaluate.answers import Generated, GivenAnswer, answer_from
from exallm_trainer.evaluate.decoding import Decoding
from exallm_trainer.evaluate.failures import (
    ANSWERED_UNANSWERABLE,
    DID_NOT_STOP,
    NO_ANSWER_GIVEN,
    NOT_GROUNDED,
    OTHER_SPAN,
    TOO_LONG,
    TOO_SHORT,
    WRONG_SENTENCE,
    failure_group,
)
from exallm_trainer.evaluate.labels import label_scores
from exallm_trainer.evaluate.likelihood import likelihood_of
from exallm_trainer.evaluate.score import fell_for, score
from exallm_trainer.evaluate.slices import context_length, question_word
from exallm_trainer.example import Example
from exallm_udfs.bootstrap import Interval
from exallm_udfs.errors import ExallmError
from exallm_udfs.prompt import ContextQuestion

CONTEXT = (
    "The mill was built in 1682 by Dr. Hugo Varga of Leith. It was sold to the widow Ines Ferro."
)


def example(*answers: str, question: str = "Who built the mill?") -> Example:
    return Example(f"{question} {answers}", CONTEXT, question, answers, "own", "mill")


@pytest.mark.parametrize(
    ("generated", "text"),
    [
        (" 1682\nQuestion: and", "1682"),
        (" answer: 1682", "1682"),
        # As it stands in the context, whatever case the model wrote.
        (" hugo varga", "Hugo Varga"),
        (" unanswerable\n", None),
        (" Answer: Not given.", None),
        ("\n1682", None),
        (" Answer:", None),
        ("", None),
        (" Marta Quill", "Marta Quill"),
    ],
)
def test_an_answer_is_made_as_the_product_makes_it(generated: str, text: str | None) -> None:
    asked = ContextQuestion(CONTEXT, "Who built the mill?")
    assert answer_from(Generated(generated, "stop", -0.5), asked) == GivenAnswer(
        text, True, generated, -0.5
    )


def test_only_an_end_of_its_own_is_a_stop() -> None:
    asked = ContextQuestion(CONTEXT, "Who?")
    assert answer_from(Generated("a", "length"), asked).stopped is False
    assert answer_from(Generated("", "too_long"), asked) == GivenAnswer(None, False, "")


def test_scores_of_four_answers() -> None:
    examples = [
        example("Hugo Varga", "Dr. Hugo Varga"),
        example("1682", question="In what year was it built?"),
        example(question="When did it burn?"),
        example("the widow Ines Ferro", question="Whom was it sold to?"),
    ]
    answers = [
        GivenAnswer("Dr. Hugo Varga", stopped=True),
        GivenAnswer("1700", stopped=True),
        GivenAnswer(None, stopped=True),
        GivenAnswer("Ines Ferro", stopped=False),
    ]
    found = score(examples, answers)
    assert [answer.exact for answer in found.answers] == [1, 0, 1, 0]
    # 2 common words of 2 and, without the article, 3: F1 2 * 2 / 5.
    assert [answer.f1 for answer in found.answers] == [1, 0, 1, pytest.approx(0.8)]
    assert [answer.grounded for answer in found.answers] == [True, False, None, True]
    assert found.scores.exact.mean == 0.5
    assert found.scores.f1.mean == pytest.approx(0.7)
    assert (found.scores.answered, found.scores.stopped) == (0.75, 0.75)
    assert found.scores.grounded == pytest.approx(2 / 3)
    assert [(group.name, group.count) for group in found.failures] == [
        (DID_NOT_STOP, 1),
        (NOT_GROUNDED, 1),
    ]
    assert found.failures[0].ids == (examples[3].id,)


def test_answers_from_sql_need_no_more_than_their_text() -> None:
    found = score([example("1682")], [GivenAnswer("1682")])
    assert found.scores.stopped is None
    assert found.scores.exact == Interval(1.0, 1.0, 1.0)


@pytest.mark.parametrize("answers", [[], [GivenAnswer("1682")] * 2])
def test_answers_that_do_not_fit_the_questions_are_refused(answers: list[GivenAnswer]) -> None:
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-22.*answers to 1 questions"):
        score([example("1682")], answers)
    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-22"):
        score([], [])


def test_slices_hold_each_question_once_a_dimension() -> None:
    examples = [
        example("1682", question="When was it built?"),
        example("Leith", question="And where, and when?"),
        replace(example(question="Whose mill is it?"), source="other"),
    ]
    answers = [GivenAnswer("1682"), GivenAnswer("1682"), GivenAnswer(None)]
    categories = {examples[0].id: "easy"}
    found = score(examples, answers, categories)
    slices = {
        (each.dimension, each.name): (each.scores.questions, each.scores.exact.mean)
        for each in found.slices
    }
    assert slices == {
        ("answer", "is not there"): (1, 1.0),
        ("answer", "is there"): (2, 0.5),
        ("category", "easy"): (1, 1.0),
        ("context length", "to 50 words"): (3, pytest.approx(2 / 3)),
        ("question word", "when"): (1, 1.0),
        ("question word", "where"): (1, 0.0),
        ("question word", "who"): (1, 1.0),
        ("source", "other"): (1, 1.0),
        ("source", "own"): (2, 0.5),
    }


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("In what year was it?", "what"),
        ("How  many were there?", "how many"),
        ("How much is it?", "how many"),
        ("How old was she?", "how"),
        ("To whom was it sold?", "who"),
        ("Whose was it?", "who"),
        ("Name the town.", "other"),
        ("Whatever happened, why?", "why"),
    ],
)
def test_question_words(question: str, word: str) -> None:
    assert question_word(question) == word


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (0, "to 50 words"),
        (50, "to 50 words"),
        (51, "51 to 100"),
        (250, "151 to 250"),
        (251, "over 250"),
    ],
)
def test_lengths_of_contexts(words: int, name: str) -> None:
    assert context_length("word " * words) == name


@pytest.mark.parametrize(
    ("answers", "text", "stopped", "group"),
    [
        (["Hugo Varga"], "hugo varga!", True, None),
        (["Hugo Varga"], "Hugo Varga", False, None),
        ([], None, True, None),
        ([], "1682", True, ANSWERED_UNANSWERABLE),
        (["1682"], None, True, NO_ANSWER_GIVEN),
        (["1682"], "in 1682 by", False, DID_NOT_STOP),
        (["1682"], "1683", True, NOT_GROUNDED),
        (["1682"], "in 1682", None, TOO_LONG),
        (["Dr. Hugo Varga"], "Hugo Varga", True, TOO_SHORT),
        # The full stop of "Dr." ends no sentence.
        (["1682"], "Leith", True, OTHER_SPAN),
        (["1682"], "Ines Ferro", True, WRONG_SENTENCE),
        # Neither holds the other.
        (["built in 1682"], "in 1682 by", True, OTHER_SPAN),
        # The better of two right answers decides.
        (["Leith", "the widow Ines"], "the widow Ines Ferro", True, TOO_LONG),
    ],
)
def test_failures_fall_into_groups(
    answers: list[str], text: str | None, stopped: bool | None, group: str | None
) -> None:
    assert failure_group(example(*answers), GivenAnswer(text, stopped)) == group


@pytest.mark.parametrize(
    ("answer", "right", "trap", "fell"),
    [
        ("Mark Hale", ["Paula Steen"], "Mark Hale", True),
        ("the engineer Mark Hale", ["Paula Steen"], "Mark Hale", True),
        ("Mark", ["Paula Steen"], "Mark Hale", False),
        ("Paula Steen", ["Paula Steen"], "Paula", False),
        (None, ["1983"], "unanswerable", True),
        (None, [], "1983", False),
        ("in 1983", [], "1983", True),
    ],
)
def test_who_falls_for_a_trap(answer: str | None, right: list[str], trap: str, fell: bool) -> None:
    assert fell_for(answer, right, trap) is fell


def test_perplexity_and_bits_per_byte() -> None:
    # Ten tokens of two bits each over eight bytes.
    found = likelihood_of(nats=20 * math.log(2), tokens=10, text_bytes=8)
    assert found.perplexity == pytest.approx(4.0)
    assert found.bits_per_byte == pytest.approx(2.5)


def test_accuracy_and_precision_of_labels() -> None:
    right = ["spam", "spam", "ham", "ham", "ham"]
    given = ["Spam.", "ham", "ham", "ham", None]
    found = label_scores(right, given, ["spam", "ham", "other"])
    assert found.accuracy == pytest.approx(3 / 5)
    assert found.no_label == pytest.approx(1 / 5)
    # spam 1 of 1, ham 2 of 3, other never given.
    assert [each.precision for each in found.labels] == [1, pytest.approx(2 / 3), 0]
    assert found.macro_precision == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert [(each.right, each.given) for each in found.labels] == [(2, 1), (3, 3), (0, 0)]


def test_a_right_answer_that_is_no_label_is_refused() -> None:
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-22.*1 right answers are none"):
        label_scores(["spam", "eggs"], ["spam", "spam"], ["spam", "ham"])


@pytest.mark.parametrize("template", ["no place", "{ctx} and {ctx}"])
def test_a_template_holds_the_prompt_once(template: str) -> None:
    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-24"):
        Decoding(template=template)


def test_settings_of_nothing_are_refused() -> None:
    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-24"):
        Decoding(batch_rows=0)
    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-24"):
        Decoding(max_new_tokens=0)

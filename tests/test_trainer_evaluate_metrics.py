"""Metrics against the implementations that others use."""

from __future__ import annotations

import random

import pytest

from exallm_udfs.metrics import exact_match, f1_score

pytestmark = pytest.mark.trainer

WORDS = ["the", "The", "a", "an", "mill", "Mill.", "of", "1682", "12,000", "U.S.", "«Ça»", "-"]
HAND_MADE = [
    ("Denver Broncos", ["Denver Broncos"]),
    ("the denver broncos.", ["Denver Broncos", "Broncos"]),
    ("", ["the"]),
    ("the", [""]),
    ("", [""]),
    ("mill", ["", "mill"]),
    ("mill mill of", ["mill of mill", "mill"]),
    ("in 1682", ["1682"]),
    ("a b c d", ["d c b a"]),
    ("no", ["No!", "none"]),
    ("12,000 cars", ["12000 cars"]),
    ("theatre", ["the atre"]),
    ("\tMill\u00a0of  Leith\n", ["mill of leith"]),
]


def random_cases(count: int) -> list[tuple[str, list[str]]]:
    draw = random.Random(7)

    def text() -> str:
        return draw.choice([" ", "  "]).join(draw.choices(WORDS, k=draw.randint(0, 6)))

    return [(text(), [text() for _ in range(draw.randint(1, 4))]) for _ in range(count)]


def test_exact_match_and_f1_are_those_of_torchmetrics() -> None:
    from torchmetrics.functional.text import squad

    cases = [*HAND_MADE, *random_cases(600)]
    for prediction, answers in cases:
        theirs = squad(
            {"prediction_text": prediction, "id": "1"},
            {"answers": {"text": answers, "answer_start": [0] * len(answers)}, "id": "1"},
        )
        case = (prediction, answers)
        assert 100 * exact_match(*case) == pytest.approx(float(theirs["exact_match"])), case
        assert 100 * f1_score(*case) == pytest.approx(float(theirs["f1"]), abs=1e-3), case


def test_the_mean_over_questions_is_that_of_torchmetrics() -> None:
    from torchmetrics.functional.text import squad

    from exallm_trainer.evaluate.answers import GivenAnswer
    from exallm_trainer.evaluate.score import score
    from exallm_trainer.example import Example

    cases = [case for case in random_cases(200) if any(case[1])]
    theirs = squad(
        [{"prediction_text": text, "id": str(at)} for at, (text, _) in enumerate(cases)],
        [
            {"answers": {"text": answers, "answer_start": [0] * len(answers)}, "id": str(at)}
            for at, (_, answers) in enumerate(cases)
        ],
    )
    examples = [
        Example(str(at), "c", "q", tuple(texts), "s", "d") for at, (_, texts) in enumerate(cases)
    ]
    ours = score(examples, [GivenAnswer(text) for text, _ in cases]).scores
    assert 100 * ours.exact.mean == pytest.approx(float(theirs["exact_match"]), abs=1e-3)
    assert 100 * ours.f1.mean == pytest.approx(float(theirs["f1"]), abs=1e-3)


def test_accuracy_and_macro_precision_are_those_of_torchmetrics() -> None:
    import torch
    from torchmetrics.functional import accuracy, precision

    from exallm_trainer.evaluate.labels import label_scores

    labels = ["red", "green", "blue"]
    draw = random.Random(3)
    right = draw.choices(range(3), k=200)
    given = [at if draw.random() < 0.6 else draw.randrange(3) for at in right]
    ours = label_scores([labels[at] for at in right], [labels[at] for at in given], labels)
    pair = (torch.tensor(given), torch.tensor(right))
    theirs = precision(*pair, task="multiclass", num_classes=3, average="macro")
    assert ours.macro_precision == pytest.approx(float(theirs))
    theirs = accuracy(*pair, task="multiclass", num_classes=3, average="micro")
    assert ours.accuracy == pytest.approx(float(theirs))


def test_bleu_and_rouge_of_texts_with_several_right_answers() -> None:
    from exallm_trainer.evaluate.overlap import overlap_of

    right = [["the mill of Leith was sold", "it was sold"], ["in Oslo"], []]
    found = overlap_of(right, ["the mill of Leith was sold", "Oslo", "an answer to nothing"])
    assert found is not None
    assert found.questions == 2
    # Words 7 of 7, pairs 5 of 5, threes 4 of 4, fours 3 of 3. The reference is 8 words long.
    assert found.bleu == pytest.approx(pow(2.718281828, 1 - 8 / 7), rel=1e-6)
    assert "version:" in found.bleu_signature
    # Oslo: precision 1, recall 1/2.
    assert found.rouge1 == pytest.approx((1 + 2 / 3) / 2)
    assert found.rouge2 == pytest.approx(1 / 2)
    assert found.rouge_l == pytest.approx((1 + 2 / 3) / 2)


def test_no_answer_overlaps_with_nothing() -> None:
    from exallm_trainer.evaluate.overlap import overlap_of

    assert overlap_of([[], []], [None, "x"]) is None
    found = overlap_of([["in Oslo"]], [None])
    assert found is not None
    assert (found.bleu, found.rouge1, found.rouge_l) == (0.0, 0.0, 0.0)

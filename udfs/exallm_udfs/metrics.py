"""Exact match and F1 of answers, as SQuAD defines them."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise_answer(text: str) -> str:
    """Lower case, without ASCII punctuation and English articles, one blank between words."""
    text = text.lower().translate(_WITHOUT_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", text).split())


def exact_match(prediction: str | None, answers: Sequence[str]) -> float:
    """1.0 where the prediction is one of the accepted answers, else 0.0.

    None is the prediction that there is no answer, and an empty ``answers`` says that there is
    none. Both sides are compared as :func:`normalise_answer` gives them.
    """
    predicted = normalise_answer(prediction or "")
    return float(any(predicted == normalise_answer(answer) for answer in answers or ("",)))


def f1_score(prediction: str | None, answers: Sequence[str]) -> float:
    """The best F1 over words between the prediction and one of the accepted answers, 0.0 to 1.0.

    None and an empty ``answers`` as in :func:`exact_match`; where one side has no words, 1.0 if
    the other has none either, else 0.0.
    """
    return max(_f1(prediction or "", answer) for answer in answers or ("",))


def _f1(prediction: str, answer: str) -> float:
    predicted, accepted = normalise_answer(prediction).split(), normalise_answer(answer).split()
    if not predicted or not accepted:
        return float(predicted == accepted)
    common = sum((Counter(predicted) & Counter(accepted)).values())
    return 2 * common / (len(predicted) + len(accepted))

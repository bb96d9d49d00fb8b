"""BLEU and ROUGE of answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_ROUGE = ("rouge1", "rouge2", "rougeL")


@dataclass(frozen=True)
class Overlap:
    """Over the questions that have an answer, 0 to 1.

    :param bleu: of the corpus, up to four words, by sacrebleu; most answers are shorter.
    :param bleu_signature: sacrebleu's own account of how it was computed.
    :param rouge1: mean F-measure of the better right answer, by rouge-score, without stemming.
    """

    questions: int
    bleu: float
    bleu_signature: str
    rouge1: float
    rouge2: float
    rouge_l: float


def overlap_of(right: Sequence[Sequence[str]], given: Sequence[str | None]) -> Overlap | None:
    """Compare answers with all right ones; None where no question has a right answer.

    ``ValueError`` where the two are not as many.
    """
    from rouge_score.rouge_scorer import RougeScorer
    from sacrebleu.metrics import BLEU

    pairs = [(texts, said or "") for texts, said in zip(right, given, strict=True) if texts]
    if not pairs:
        return None
    said = [text for _, text in pairs]
    bleu = BLEU()
    score = bleu.corpus_score(said, _streams([texts for texts, _ in pairs]))
    scorer = RougeScorer(_ROUGE)
    best = [scorer.score_multi(list(texts), text) for texts, text in pairs]
    means = [sum(scores[name].fmeasure for scores in best) / len(best) for name in _ROUGE]
    return Overlap(
        len(pairs), score.score / 100, str(bleu.get_signature()), means[0], means[1], means[2]
    )


def _streams(right: Sequence[Sequence[str]]) -> list[list[str | None]]:
    """As sacrebleu takes them: all first answers, all second ones, None where there is none."""
    most = max(len(texts) for texts in right)
    return [
        [texts[number] if number < len(texts) else None for texts in right]
        for number in range(most)
    ]

"""The answer that the scores of a window's tokens speak for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exallm_udfs.grounding import Span
from exallm_udfs.span_windows import SpanWindow

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ScoredSpan:
    """An answer in the context.

    :param span: characters of the whole context.
    :param score: 0 to 1: the geometric mean of the probabilities of its first and its last token,
        among all with which an answer can begin or end and "no answer".
    """

    span: Span
    score: float


def best_span(
    window: SpanWindow, start_scores: NDArray[Any], end_scores: NDArray[Any], max_tokens: int
) -> ScoredSpan | None:
    """The likeliest span of whole words; None where "no answer" is likelier than each of them.

    The score of a span is the sum of the scores of its first and last token, that of "no answer"
    the sum of those of the window's first token (Devlin et al., 2018).

    :param start_scores: shape (tokens,), logits of being an answer's first token.
    :param end_scores: shape (tokens,), logits of being its last token.
    :param max_tokens: most tokens of an answer.
    """
    import numpy

    firsts, lasts = numpy.flatnonzero(window.starts >= 0), numpy.flatnonzero(window.ends >= 0)
    begin, no_begin = _log_probabilities(start_scores, firsts)
    end, no_end = _log_probabilities(end_scores, lasts)
    if not firsts.size or not lasts.size:
        return None
    # Shape (firsts, most tokens of an answer): the places that may be the last of each first.
    behind = numpy.searchsorted(lasts, firsts)[:, None] + numpy.arange(min(max_tokens, lasts.size))
    there = numpy.minimum(behind, lasts.size - 1)
    likely = begin[:, None] + end[there]
    too_long = lasts[there] - firsts[:, None] >= max_tokens
    likely[(behind >= lasts.size) | too_long] = -numpy.inf
    if likely.max() < no_begin + no_end or likely.max() == -numpy.inf:
        return None
    first, nth = divmod(int(likely.argmax()), likely.shape[1])
    span = Span(int(window.starts[firsts[first]]), int(window.ends[lasts[there[first, nth]]]))
    return ScoredSpan(span, float(numpy.exp(likely.max() / 2)))


def _log_probabilities(scores: NDArray[Any], places: NDArray[Any]) -> tuple[NDArray[Any], float]:
    """Of each of the places, and of the first token, which together have all the probability."""
    import numpy

    chosen = numpy.concatenate([scores[:1], scores[places]]).astype(numpy.float64)
    chosen -= chosen.max()
    chosen -= numpy.log(numpy.exp(chosen).sum())
    return chosen[1:], float(chosen[0])

"""A question and its context as the windows of tokens that a model for spans reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exallm_udfs.grounding import inside_word
from exallm_udfs.row_error import RowError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CONTEXT = 1
# The context's part of a window, as a fraction of it: one in so many tokens at least.
_LEAST_ROOM = 4


@dataclass(frozen=True)
class SpanWindow:
    """The question and a part of the context. The first token stands for "no answer".

    :param token_ids: shape (tokens,), with the marks around question and context.
    :param type_ids: shape (tokens,), 1 for tokens of the context where the model tells them apart.
    :param starts: shape (tokens,), where a token begins in the whole context; -1 for all tokens
        with which no answer can begin: those of the question, marks, and the inside of words.
    :param ends: shape (tokens,), where a token ends, likewise.
    """

    token_ids: NDArray[Any]
    type_ids: NDArray[Any]
    starts: NDArray[Any]
    ends: NDArray[Any]

    def __len__(self) -> int:
        return len(self.token_ids)


class SpanTokenizer:
    """Makes windows. Training and inference both use it, so that they agree to the token.

    :param tokenizer: a ``tokenizers.Tokenizer``, whose truncation and padding are set here. What
        looks like a special token in a text is read as plain text.
    :param window_tokens: of the question, a part of the context, and the marks.
    :param overlap_tokens: that neighbouring windows share, and no more than half of the context's
        part. An answer of so many tokens stands whole in one of them.
    """

    def __init__(self, tokenizer: Any, window_tokens: int, overlap_tokens: int) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self._window_tokens = window_tokens
        self._overlap_tokens = overlap_tokens
        self._marks: int = tokenizer.num_special_tokens_to_add(True)

    def count_tokens(self, text: str) -> int:
        """Tokens of a text by itself, without marks."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def windows(self, question: str, context: str) -> list[SpanWindow] | RowError:
        """Windows that together hold the whole context, in order, or why there are none."""
        asked = self.count_tokens(question)
        if asked == 0:
            return RowError("E-EXALLM-ROW-2", "the question has no tokens")
        room = self._window_tokens - self._marks - asked
        # With less room the windows of a long context would be too many, and each say too little.
        least_room = max(self._window_tokens // _LEAST_ROOM, 1)
        if room < least_room:
            return RowError(
                "E-EXALLM-ROW-1",
                f"the question has {asked} tokens; with a part of the context of {least_room} that "
                f"is more than the {self._window_tokens} the model takes",
            )
        stride = min(self._overlap_tokens, room // 2)
        self._tokenizer.enable_truncation(
            self._window_tokens, stride=stride, strategy="only_second"
        )
        try:
            first = self._tokenizer.encode(question, context)
        finally:
            self._tokenizer.no_truncation()
        return [_window(encoding, context) for encoding in (first, *first.overflowing)]


def _without_blanks(context: str, start: int, end: int) -> tuple[int, int]:
    """A token's place without the blanks that some tokenizers count to it."""
    while start < end and context[start].isspace():
        start += 1
    while start < end and context[end - 1].isspace():
        end -= 1
    return start, end


def _window(encoding: Any, context: str) -> SpanWindow:
    import numpy

    starts, ends = [], []
    for (start, end), sequence in zip(encoding.offsets, encoding.sequence_ids, strict=True):
        first, last = _without_blanks(context, start, end) if sequence == _CONTEXT else (0, 0)
        starts.append(first if first < last and not inside_word(context, first) else -1)
        ends.append(last if first < last and not inside_word(context, last) else -1)
    return SpanWindow(
        numpy.asarray(encoding.ids, numpy.int64),
        numpy.asarray(encoding.type_ids, numpy.int64),
        numpy.asarray(starts, numpy.int32),
        numpy.asarray(ends, numpy.int32),
    )

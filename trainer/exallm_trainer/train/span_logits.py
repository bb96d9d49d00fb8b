"""What an encoder with a head for spans makes of windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from exallm_udfs.best_span import ScoredSpan, best_span
from exallm_udfs.span_windows import SpanWindow


def span_logits(
    model: Any, windows: Sequence[SpanWindow], takes: set[str], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Of beginning and of ending an answer with each token, both of shape (windows, tokens).

    They are float32; tokens with which no answer begins or ends have the lowest number.

    :param takes: the inputs that the model knows by name.
    """
    inputs = {
        "input_ids": _padded([window.token_ids for window in windows], 0),
        "attention_mask": _padded([window.token_ids * 0 + 1 for window in windows], 0),
        "token_type_ids": _padded([window.type_ids for window in windows], 0),
    }
    output = model(**{name: each.to(device) for name, each in inputs.items() if name in takes})
    return (
        _allowed(output.start_logits, [window.starts for window in windows]),
        _allowed(output.end_logits, [window.ends for window in windows]),
    )


def best_of_windows(
    windows: Sequence[SpanWindow], starts: torch.Tensor, ends: torch.Tensor, max_tokens: int
) -> ScoredSpan | None:
    """The answer of a row in its windows: that of the highest score; None where none has one."""
    found = [
        best
        for window, start, end in zip(
            windows, starts.cpu().numpy(), ends.cpu().numpy(), strict=True
        )
        if (best := best_span(window, start, end, max_tokens)) is not None
    ]
    return max(found, key=lambda each: each.score, default=None)


def _allowed(logits: torch.Tensor, places: Sequence[Any]) -> torch.Tensor:
    barred = _padded(places, -1).to(logits.device) < 0
    barred[:, 0] = False
    return logits.float().masked_fill(barred, torch.finfo(torch.float32).min)


def _padded(rows: Sequence[Any], filler: int) -> torch.Tensor:
    """Shape (rows, tokens of the longest)."""
    tensors = [torch.from_numpy(row).long() for row in rows]
    return torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=filler)

"""The engine for models that point at an answer: OpenVINO on an encoder with a head for spans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exallm_udfs.engines.cpu_properties import cpu_properties
from exallm_udfs.engines.native_error import last_line
from exallm_udfs.errors import ExallmError
from exallm_udfs.manifest import ExtractionSettings
from exallm_udfs.row_error import RowError
from exallm_udfs.span_windows import SpanTokenizer, SpanWindow

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODEL_FILE = "openvino_model.xml"
# Of one batch, padding included; more at once is not faster.
_BATCH_TOKENS = 4096
# The plug-in prepares itself for each new length, so lengths are rounded up to a multiple.
_LENGTH_STEP = 32


@dataclass(frozen=True)
class ReadingSettings:
    """How to read, with nothing left open.

    :param max_answer_tokens: most tokens of an answer.
    :param reproducible: the same row gives the same bytes, whatever rows are beside it.
    """

    max_answer_tokens: int
    reproducible: bool = False


@dataclass(frozen=True)
class WindowScores:
    """Logits of each token of a window: that an answer begins, and that it ends with it.

    Both have the shape (tokens,).
    """

    starts: NDArray[Any]
    ends: NDArray[Any]


class SpanReader:
    """Scores windows. Not safe to be used by two threads at once.

    The tokenizer is loaded at once, the weights with the first window. Raises E-EXALLM-MODEL-13
    where the model cannot be loaded, -28 where a package that it needs is not installed.

    :param folder: holds :data:`MODEL_FILE` with its weights.
    :param tokenizer: a ``tokenizer.json``.
    :param window_tokens: that the model takes at once.
    :param threads: CPU threads of this process; None takes all cores.
    """

    def __init__(
        self,
        folder: Path,
        tokenizer: Path,
        window_tokens: int,
        settings: ExtractionSettings,
        threads: int | None = None,
    ) -> None:
        try:
            import openvino
            import tokenizers
        except ImportError as error:
            raise ExallmError(
                "E-EXALLM-MODEL-28",
                f"a model for spans cannot be read in this environment: {error.name} is missing",
                "use a container of this version of exallm",
            ) from error
        self._openvino = openvino
        self._window_tokens = window_tokens
        self._folder = folder
        self._threads = threads
        self._compiled: Any = None
        self._opened_reproducible: bool | None = None
        try:
            loaded = tokenizers.Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # the library raises nothing more special
            raise _cannot_load(tokenizer, error) from error
        self._tokenizer = SpanTokenizer(loaded, window_tokens, settings.overlap_tokens)

    def windows(self, question: str, context: str) -> list[SpanWindow] | RowError:
        """The windows of a row, or why it cannot be read."""
        return self._tokenizer.windows(question, context)

    def count_tokens(self, text: str) -> int:
        """Tokens of a text by itself, without marks."""
        return self._tokenizer.count_tokens(text)

    def read(self, windows: Sequence[SpanWindow], reproducible: bool) -> list[WindowScores]:
        """The scores of each window, in their order.

        :param reproducible: the same window gives the same bytes whatever is beside it: each is
            computed alone, in float32.
        """
        compiled = self._open(reproducible)
        scores: list[WindowScores | None] = [None] * len(windows)
        for batch in _batches(windows, alone=reproducible):
            members = [windows[position] for position in batch]
            outputs = compiled(self._inputs(members))
            starts, ends = outputs["start_logits"], outputs["end_logits"]
            for row, (position, window) in enumerate(zip(batch, members, strict=True)):
                tokens = len(window)
                scores[position] = WindowScores(starts[row, :tokens], ends[row, :tokens])
        return [each for each in scores if each is not None]

    def close(self) -> None:
        """Free the memory; the engine is not used after this."""
        self._compiled = None

    def _inputs(self, windows: Sequence[SpanWindow]) -> dict[str, NDArray[Any]]:
        """What the model takes; not every one takes all."""
        longest = max(map(len, windows))
        rounded = -(-longest // _LENGTH_STEP) * _LENGTH_STEP
        tokens = longest if len(windows) == 1 else min(rounded, self._window_tokens)
        wanted = {port.any_name for port in self._compiled.inputs}
        inputs = _padded(windows, tokens)
        return {name: tensor for name, tensor in inputs.items() if name in wanted}

    def _open(self, reproducible: bool) -> Any:
        if self._opened_reproducible != reproducible or self._compiled is None:
            self._compiled = None
            file = self._folder / MODEL_FILE
            try:
                self._compiled = self._openvino.Core().compile_model(
                    file, "CPU", cpu_properties(self._threads, reproducible)
                )
            except RuntimeError as error:
                raise _cannot_load(file, error) from error
            self._opened_reproducible = reproducible
        return self._compiled


def _batches(windows: Sequence[SpanWindow], alone: bool) -> Iterator[list[int]]:
    """Positions by length, so that a batch has little padding."""
    batch: list[int] = []
    for position in sorted(range(len(windows)), key=lambda position: len(windows[position])):
        full = len(windows[position]) * (len(batch) + 1) > _BATCH_TOKENS
        if batch and (alone or full):
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch


def _padded(windows: Sequence[SpanWindow], tokens: int) -> dict[str, NDArray[Any]]:
    """The tensors of a batch, each of shape (windows, tokens)."""
    import numpy

    inputs = {
        name: numpy.zeros((len(windows), tokens), numpy.int64)
        for name in ("input_ids", "attention_mask", "token_type_ids")
    }
    for row, window in enumerate(windows):
        inputs["input_ids"][row, : len(window)] = window.token_ids
        inputs["attention_mask"][row, : len(window)] = 1
        inputs["token_type_ids"][row, : len(window)] = window.type_ids
    return inputs


def _cannot_load(file: Path, error: Exception) -> ExallmError:
    return ExallmError(
        "E-EXALLM-MODEL-13",
        f"the engine cannot load {file.name}: {last_line(error)}",
        "package the run again with this version of exallm",
    )

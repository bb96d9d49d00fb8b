"""The options that a caller gives as one JSON text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from exallm_udfs.engines.engine import SEED_LIMIT, GenerationSettings
from exallm_udfs.engines.span_reader import ReadingSettings
from exallm_udfs.errors import ExallmError
from exallm_udfs.json_object import Fields, parse_object
from exallm_udfs.manifest import (
    ENGINES,
    MAX_NEW_TOKENS_LIMIT,
    MAX_TEMPERATURE,
    Manifest,
    check_stop,
)
from exallm_udfs.names import ModelReference

THREADS_LIMIT = 1024
BATCH_ROWS_LIMIT = 4096
OVERFLOWS = ("window", "truncate", "error")

_TEXTS_KEPT = 1024


@dataclass(frozen=True)
class Options:
    """What the caller asks for; None leaves it to the function or to the model's package.

    :param max_new_tokens: most tokens of an answer.
    :param temperature: 0 always takes the likeliest token.
    :param seed: of the random choice where the temperature is above 0; 0 by default.
    :param stop: texts that end an answer.
    :param threads: CPU threads of one process; by default the engine takes all cores.
    :param model: the model, where it is no argument of the function.
    :param engine: ``openvino`` or ``torch``; by default what suits package and hardware.
    :param on_overflow: what happens to a text that is too long for the model: ``window`` (only
        where there is a question to ask each window), ``truncate`` or ``error``.
    :param fail_on_error: the first row error stops the statement.
    :param max_error_ratio: more row errors than this share of a group's rows stop the statement.
    :param reproducible: the same input gives the same bytes, whatever rows are beside it.
    :param collapse_duplicates: compute equal prompts once, where the temperature is 0.
    :param share_prefixes: order prompts, so that what they begin with is computed once.
    :param batch_rows: prompts that the engine gets at once.
    :param min_score: an answer with a lower score is no answer.
    """

    max_new_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = None
    threads: int | None = None
    model: ModelReference | None = None
    engine: str | None = None
    on_overflow: str | None = None
    fail_on_error: bool = False
    max_error_ratio: float | None = None
    reproducible: bool = False
    collapse_duplicates: bool = True
    share_prefixes: bool = True
    batch_rows: int = 512
    min_score: float | None = None

    def __post_init__(self) -> None:
        if self.fail_on_error and self.max_error_ratio is not None:
            raise ValueError("options: 'fail_on_error' and 'max_error_ratio' contradict each other")

    @classmethod
    def parse(cls, text: str | None) -> Options:
        """Read the JSON text; NULL and ``{}`` ask for nothing. Equal texts are read once.

        Raises E-EXALLM-SQL-1 where it is no JSON object, -2 for an unknown key, which names the
        known ones, -3 for a value of another type or outside its limits, and E-EXALLM-MODEL-1 for
        a model that is no model reference.
        """
        return _parse(text)

    def refuse(self, key: str, reason: str) -> None:
        """Raise E-EXALLM-SQL-3 where the option was given to a function that has no use for it."""
        if getattr(self, key) != getattr(_NOTHING_ASKED, key):
            raise ExallmError("E-EXALLM-SQL-3", f"options: {key!r} {reason}", "leave the key out")

    def settings(self, manifest: Manifest) -> GenerationSettings:
        """These options, filled up with what the package says.

        Raises E-EXALLM-MODEL-50 for a model that writes no text.
        """
        prompt, defaults = manifest.writing()
        return GenerationSettings(
            max_new_tokens=(
                defaults.max_new_tokens if self.max_new_tokens is None else self.max_new_tokens
            ),
            temperature=defaults.temperature if self.temperature is None else self.temperature,
            seed=0 if self.seed is None else self.seed,
            stop=prompt.stop if self.stop is None else self.stop,
            reproducible=self.reproducible,
            share_prefixes=self.share_prefixes,
        )

    def reading(self, manifest: Manifest) -> ReadingSettings:
        """These options, filled up with what the package of a model that points says."""
        return ReadingSettings(
            max_answer_tokens=(
                manifest.pointing().max_answer_tokens
                if self.max_new_tokens is None
                else self.max_new_tokens
            ),
            reproducible=self.reproducible,
        )


_NOTHING_ASKED = Options()


@lru_cache(_TEXTS_KEPT)
def _parse(text: str | None) -> Options:
    try:
        values = Fields({} if text is None else parse_object(text), "options")
    except ValueError as error:
        raise ExallmError(
            "E-EXALLM-SQL-1", f"the options are {error}", """write them as '{"key": value}'"""
        ) from None
    try:
        values.refuse_unknown(field.name for field in fields(Options))
    except ValueError as error:
        raise ExallmError(
            "E-EXALLM-SQL-2", str(error), "correct the key's spelling or leave it out"
        ) from None
    try:
        return Options(**_read(values))
    except ValueError as error:
        raise ExallmError("E-EXALLM-SQL-3", str(error), "correct the value") from None


def _read(values: Fields) -> dict[str, Any]:
    readers: dict[str, Callable[[str], Any]] = {
        "max_new_tokens": lambda key: values.take_integer(key, 1, MAX_NEW_TOKENS_LIMIT),
        "temperature": lambda key: values.take_number(key, 0.0, MAX_TEMPERATURE),
        "seed": lambda key: values.take_integer(key, 0, SEED_LIMIT),
        "stop": lambda key: check_stop(values.take_texts(key)),
        "threads": lambda key: values.take_integer(key, 1, THREADS_LIMIT),
        "model": lambda key: ModelReference.parse(values.take_text(key)),
        "engine": lambda key: values.take_choice(key, ENGINES),
        "on_overflow": lambda key: values.take_choice(key, OVERFLOWS),
        "fail_on_error": values.take_boolean,
        "max_error_ratio": lambda key: values.take_number(key, 0.0, 1.0),
        "reproducible": values.take_boolean,
        "collapse_duplicates": values.take_boolean,
        "share_prefixes": values.take_boolean,
        "batch_rows": lambda key: values.take_integer(key, 1, BATCH_ROWS_LIMIT),
        "min_score": lambda key: values.take_number(key, 0.0, 1.0),
    }
    return {key: read(key) for key, read in readers.items() if key in values}

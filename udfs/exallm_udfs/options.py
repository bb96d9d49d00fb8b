"""The options that a caller gives as one JSON text."""

from __future__ import annotations

from dataclasses import dataclass, fields

from exallm_udfs.engines.engine import SEED_LIMIT, GenerationSettings
from exallm_udfs.errors import ExallmError
from exallm_udfs.json_object import Fields, parse_object
from exallm_udfs.manifest import MAX_NEW_TOKENS_LIMIT, MAX_TEMPERATURE, Manifest, check_stop

THREADS_LIMIT = 1024


@dataclass(frozen=True)
class GenerationOptions:
    """What the caller asks for; None leaves it to the model's package.

    :param max_new_tokens: most tokens of an answer.
    :param temperature: 0 always takes the likeliest token.
    :param seed: of the random choice where the temperature is above 0; 0 by default.
    :param stop: texts that end an answer.
    :param threads: CPU threads of one process; by default the engine takes all cores.
    """

    max_new_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] | None = None
    threads: int | None = None

    @classmethod
    def parse(cls, text: str | None) -> GenerationOptions:
        """Read the JSON text; NULL and ``{}`` ask for nothing.

        Raises E-EXALLM-SQL-1 where it is no JSON object, -2 for an unknown key, which names the
        known ones, and -3 for a value of another type or outside its limits.
        """
        try:
            values = Fields({} if text is None else parse_object(text), "options")
        except ValueError as error:
            raise ExallmError(
                "E-EXALLM-SQL-1", f"the options are {error}", """write them as '{"key": value}'"""
            ) from None
        try:
            values.refuse_unknown(field.name for field in fields(cls))
        except ValueError as error:
            raise ExallmError(
                "E-EXALLM-SQL-2", str(error), "correct the key's spelling or leave it out"
            ) from None
        try:
            return _read(values)
        except ValueError as error:
            raise ExallmError("E-EXALLM-SQL-3", str(error), "correct the value") from None

    def settings(self, manifest: Manifest) -> GenerationSettings:
        """These options, filled up with what the package says."""
        defaults = manifest.generation
        return GenerationSettings(
            max_new_tokens=(
                defaults.max_new_tokens if self.max_new_tokens is None else self.max_new_tokens
            ),
            temperature=defaults.temperature if self.temperature is None else self.temperature,
            seed=0 if self.seed is None else self.seed,
            stop=manifest.prompt.stop if self.stop is None else self.stop,
        )


def _read(values: Fields) -> GenerationOptions:
    def integer(key: str, low: int, high: int) -> int | None:
        return values.take_integer(key, low, high) if key in values else None

    temperature = (
        values.take_number("temperature", 0.0, MAX_TEMPERATURE) if "temperature" in values else None
    )
    return GenerationOptions(
        max_new_tokens=integer("max_new_tokens", 1, MAX_NEW_TOKENS_LIMIT),
        temperature=temperature,
        seed=integer("seed", 0, SEED_LIMIT),
        stop=check_stop(values.take_texts("stop")) if "stop" in values else None,
        threads=integer("threads", 1, THREADS_LIMIT),
    )

"""A recipe with ranges: a recipe file with a section ``sweep``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from exallm_trainer.recipe import Recipe, recipe_from
from exallm_udfs.errors import ExallmError

Setting = bool | int | float | str
Settings = Mapping[str, Setting]

_SECTION = "sweep"
# Trials with others of these could not be compared: they change how or by what a trial is judged.
_FIXED = (
    "optimisation.validate_every",
    "optimisation.patience",
    "dpo.beta",
    "span.window_tokens",
    "span.overlap_tokens",
)
# What is too long of these leaves the validation split; texts are cut, and judged as a whole.
_FIXED_BUT_FOR_TEXTS = "optimisation.max_tokens"


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both included; whole ones where both ends are.

    :param log: drawn evenly over the logarithm.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        numbers = all(type(end) in (int, float) for end in (self.low, self.high))
        if not numbers or not isinstance(self.log, bool):
            raise ValueError(
                "a range has low and high, which are numbers, and log = true if wanted"
            )
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError("low is below high, and above 0 with log")

    @property
    def whole(self) -> bool:
        """Whether its numbers are whole."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def extremes(self) -> tuple[Setting, ...]:
        """Values that every other one lies between."""
        return self.low, self.high

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


@dataclass(frozen=True)
class Choices:
    """One of some values."""

    values: tuple[Setting, ...]

    def __post_init__(self) -> None:
        plain = all(isinstance(value, Setting) for value in self.values)
        if not plain or len(set(self.values)) < max(len(self.values), 2):
            raise ValueError("choices are at least two different numbers, texts or truth values")

    def extremes(self) -> tuple[Setting, ...]:
        """All of them: each may be wrong in its own way."""
        return self.values

    def __contains__(self, value: object) -> bool:
        return value in self.values


@dataclass(frozen=True)
class SweepRecipe:
    """A recipe and, by the names of settings such as ``lora.rank``, what is tried."""

    recipe: Recipe
    space: Mapping[str, Range | Choices]

    @property
    def own(self) -> Settings:
        """What the recipe itself has for the settings that are swept."""
        return {name: _value(asdict(self.recipe), name) for name in self.space}

    def with_settings(self, settings: Settings) -> Recipe:
        """The recipe of a trial; ``ValueError`` where its settings contradict each other."""
        values = asdict(self.recipe)
        for name, value in settings.items():
            section, _, key = name.rpartition(".")
            values[section][key] = value
        return recipe_from(values)


def read_sweep_recipe(file: Path) -> SweepRecipe:
    """Read a recipe with a section such as::

        [sweep]
        optimisation.learning_rate = { low = 1e-4, high = 1e-2, log = true }
        lora.rank = { choices = [8, 16] }

    :raises ExallmError: E-EXALLM-TRAIN-60 for what is unknown, missing or contradictory; the
        recipe's own values have to lie in the ranges, since the first trial has them.
    """
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
        if not isinstance(values.get(_SECTION), dict) or not values[_SECTION]:
            raise ValueError(f"it has no section {_SECTION} with ranges")
        space = dict(_space(values.pop(_SECTION), ""))
        recipe = recipe_from(values)
        settings = asdict(recipe)
        sweep = SweepRecipe(
            recipe, {name: _like(_value(settings, name), space[name]) for name in space}
        )
        _require_sound(sweep)
        return sweep
    except OSError as error:
        raise _invalid(file, str(error.strerror)) from error
    except (ValueError, TypeError) as error:
        raise _invalid(file, str(error)) from error


def _space(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Range | Choices]]:
    for key, value in values.items():
        name = f"{prefix}{key}"
        if not isinstance(value, dict):
            raise ValueError(f"{name} is not written as {{ low, high, log }} or {{ choices }}")
        if not value.keys() & {"low", "high", "log", "choices"}:
            yield from _space(value, f"{name}.")
            continue
        try:
            if "choices" in value:
                (choices,) = value.values()
                yield name, Choices(tuple(choices))
            else:
                yield name, Range(**value)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{name}: {error}") from error


def _require_sound(sweep: SweepRecipe) -> None:
    """Every end of every range, with the recipe's other settings, gives a recipe."""
    for name, values in sweep.space.items():
        leaves_out = name == _FIXED_BUT_FOR_TEXTS and not sweep.recipe.learns_texts
        if name in _FIXED or leaves_out:
            raise ValueError(f"{name} cannot be swept: trials with others cannot be compared")
        own = _value(asdict(sweep.recipe), name)
        if own not in values:
            raise ValueError(f"the recipe's own {name}, {own}, is none of those that are tried")
        for value in values.extremes():
            try:
                sweep.with_settings({name: value})
            except ValueError as error:
                raise ValueError(f"{name} = {value}: {error}") from error


def _like(own: Setting, values: Range | Choices) -> Range | Choices:
    """A range of a setting that is no whole number is none of whole ones, however it is written."""
    if isinstance(own, float) and isinstance(values, Range):
        return replace(values, low=float(values.low), high=float(values.high))
    return values


def _value(values: Mapping[str, Any], name: str) -> Setting:
    section, _, key = name.rpartition(".")
    found = values.get(section)
    if not isinstance(found, dict) or key not in found:
        known = [
            f"{part}.{setting}"
            for part, settings in values.items()
            if isinstance(settings, dict)
            for setting in settings
        ]
        raise ValueError(f"{name} is no setting of the recipe; there are {', '.join(known)}")
    value: Setting = found[key]
    return value


def _invalid(file: Path, problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-TRAIN-60", f"the sweep {file} is not valid: {problem}", "correct the file"
    )
